// S-bend: a channel that turns upwards by sixty degrees and back again.
// Lengths in metres.

DefineConstant[ n = 26 ];  // elements across

r = 0.8;  w = 0.8;       // inner radius, width of the channel
a = 1.2;                 // length before and after the bends
f = Pi / 3;              // angle of either bend
R = r + w;

// First bend around (0, 0) from straight below it, second one around c, which
// the first sees in the direction of its end, on the other side.
cx = (r + R) * Sin(f);  cy = -(r + R) * Cos(f);

Point(1)  = {0, 0, 0};
Point(2)  = {cx, cy, 0};
Point(3)  = {-a, -R, 0};
Point(4)  = {0, -R, 0};
Point(5)  = {R * Sin(f), -R * Cos(f), 0};
Point(6)  = {cx, cy + r, 0};
Point(7)  = {cx + a, cy + r, 0};
Point(8)  = {cx + a, cy + R, 0};
Point(9)  = {cx, cy + R, 0};
Point(10) = {r * Sin(f), -r * Cos(f), 0};
Point(11) = {0, -r, 0};
Point(12) = {-a, -r, 0};

Line(1)    = {3, 4};
Circle(2)  = {4, 1, 5};
Circle(3)  = {5, 2, 6};
Line(4)    = {6, 7};
Line(5)    = {7, 8};
Line(6)    = {8, 9};
Circle(7)  = {9, 2, 10};
Circle(8)  = {10, 1, 11};
Line(9)    = {11, 12};
Line(10)   = {12, 3};
Line(11)   = {4, 11};
Line(12)   = {5, 10};
Line(13)   = {6, 9};

Curve Loop(1) = {1, 11, 9, 10};    Plane Surface(1) = {1};
Curve Loop(2) = {2, 12, 8, -11};   Plane Surface(2) = {2};
Curve Loop(3) = {3, 13, 7, -12};   Plane Surface(3) = {3};
Curve Loop(4) = {4, 5, 6, -13};    Plane Surface(4) = {4};

Transfinite Curve {5, 10, 11, 12, 13} = n + 1;
Transfinite Curve {1, 4, 6, 9}        = 1.5 * n + 1;
Transfinite Curve {2, 3, 7, 8}        = 1.6 * n + 1;
Transfinite Surface {1:4};
Recombine Surface {1:4};

Physical Curve("inlet", 1)   = {10};
Physical Curve("outlet", 2)  = {5};
Physical Curve("wall", 3)    = {1:4, 6:9};
Physical Surface("fluid", 4) = {1:4};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
