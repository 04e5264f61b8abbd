// Backward-facing step: a channel that doubles its height at once.  Lengths in
// metres.

DefineConstant[ n = 18 ];  // elements across the channel before the step

H = 0.5;           // channel before the step, and height of the step
a = 1.0;  b = 3.0; // length before and after the step

Point(1) = {0, H, 0};
Point(2) = {a, H, 0};
Point(3) = {a, 0, 0};
Point(4) = {a + b, 0, 0};
Point(5) = {a + b, H, 0};
Point(6) = {a + b, 2 * H, 0};
Point(7) = {a, 2 * H, 0};
Point(8) = {0, 2 * H, 0};

Line(1)  = {1, 2};
Line(2)  = {2, 3};
Line(3)  = {3, 4};
Line(4)  = {4, 5};
Line(5)  = {5, 6};
Line(6)  = {6, 7};
Line(7)  = {7, 8};
Line(8)  = {8, 1};
Line(9)  = {2, 7};
Line(10) = {2, 5};

Curve Loop(1) = {1, 9, 7, 8};      Plane Surface(1) = {1};
Curve Loop(2) = {10, 5, 6, -9};    Plane Surface(2) = {2};
Curve Loop(3) = {3, 4, -10, 2};    Plane Surface(3) = {3};

Transfinite Curve {2, 4, 5, 8, 9} = n + 1;
Transfinite Curve {1, 7}          = n * a / H + 1;
Transfinite Curve {3, 6, 10}      = n * b / H + 1;
Transfinite Surface {1:3};
Recombine Surface {1:3};

Physical Curve("inlet", 1)   = {8};
Physical Curve("outlet", 2)  = {4, 5};
Physical Curve("wall", 3)    = {1, 2, 3, 6, 7};
Physical Surface("fluid", 4) = {1:3};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
