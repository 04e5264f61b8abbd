// T-junction: a channel from below that parts into one to the left and one to
// the right.  Lengths in metres.

DefineConstant[ n = 30 ];  // elements across

w = 1.0;            // width of all three channels
a = 1.2;  b = 1.4;  // length of the stem, of either arm

Point(1)  = {-w / 2, -a, 0};
Point(2)  = {w / 2, -a, 0};
Point(3)  = {w / 2, 0, 0};
Point(4)  = {w / 2 + b, 0, 0};
Point(5)  = {w / 2 + b, w, 0};
Point(6)  = {w / 2, w, 0};
Point(7)  = {-w / 2, w, 0};
Point(8)  = {-w / 2 - b, w, 0};
Point(9)  = {-w / 2 - b, 0, 0};
Point(10) = {-w / 2, 0, 0};

Line(1)  = {1, 2};
Line(2)  = {2, 3};
Line(3)  = {3, 4};
Line(4)  = {4, 5};
Line(5)  = {5, 6};
Line(6)  = {6, 7};
Line(7)  = {7, 8};
Line(8)  = {8, 9};
Line(9)  = {9, 10};
Line(10) = {10, 1};
Line(11) = {10, 3};
Line(12) = {3, 6};
Line(13) = {10, 7};

Curve Loop(1) = {1, 2, -11, 10};     Plane Surface(1) = {1};
Curve Loop(2) = {11, 12, 6, -13};    Plane Surface(2) = {2};
Curve Loop(3) = {3, 4, 5, -12};      Plane Surface(3) = {3};
Curve Loop(4) = {9, 13, 7, 8};       Plane Surface(4) = {4};

Transfinite Curve {1, 4, 6, 8, 11, 12, 13} = n + 1;
Transfinite Curve {2, 10}                  = n * a / w + 1;
Transfinite Curve {3, 5, 7, 9}             = n * b / w + 1;
Transfinite Surface {1:4};
Recombine Surface {1:4};

Physical Curve("inlet", 1)        = {1};
Physical Curve("outlet_left", 2)  = {8};
Physical Curve("outlet_right", 3) = {4};
Physical Curve("wall", 4)         = {2, 3, 5, 6, 7, 9, 10};
Physical Surface("fluid", 5)      = {1:4};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
