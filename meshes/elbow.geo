// Elbow: a channel that turns by a right angle along two concentric arcs.
// Lengths in metres.

DefineConstant[ n = 30 ];  // elements across

r = 0.5;  w = 1.0;  // inner radius, width of the channel
a = 1.5;            // length before and after the bend

// The centre of the arcs is the origin; the flow comes from the left below the
// bend and leaves upwards.
Point(1)  = {0, 0, 0};
Point(2)  = {-a, -r - w, 0};
Point(3)  = {0, -r - w, 0};
Point(4)  = {r + w, 0, 0};
Point(5)  = {r + w, a, 0};
Point(6)  = {r, a, 0};
Point(7)  = {r, 0, 0};
Point(8)  = {0, -r, 0};
Point(9)  = {-a, -r, 0};

Line(1)   = {2, 3};
Circle(2) = {3, 1, 4};
Line(3)   = {4, 5};
Line(4)   = {5, 6};
Line(5)   = {6, 7};
Circle(6) = {7, 1, 8};
Line(7)   = {8, 9};
Line(8)   = {9, 2};
Line(9)   = {3, 8};
Line(10)  = {4, 7};

Curve Loop(1) = {1, 9, 7, 8};     Plane Surface(1) = {1};
Curve Loop(2) = {2, 10, 6, -9};   Plane Surface(2) = {2};
Curve Loop(3) = {3, 4, 5, -10};   Plane Surface(3) = {3};

Transfinite Curve {4, 8, 9, 10} = n + 1;
Transfinite Curve {1, 3, 5, 7}  = 1.5 * n + 1;
Transfinite Curve {2, 6}        = 1.6 * n + 1;
Transfinite Surface {1:3};
Recombine Surface {1:3};

Physical Curve("inlet", 1)   = {8};
Physical Curve("outlet", 2)  = {4};
Physical Curve("wall", 3)    = {1, 2, 3, 5, 6, 7};
Physical Surface("fluid", 4) = {1:3};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
