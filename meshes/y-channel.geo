// Plane channel with a half-disc relief cut from either wall and a round-nosed
// divider that splits the outlet into two slits.  Lengths in metres.
//
// The lower half is made of seven four-sided blocks meshed by transfinite
// interpolation; the upper half is its mirror image.

DefineConstant[ h = 0.0225 ];  // target element size

L  = 3.0;   H = 1.2;    // channel
xr = 1.25;  r = 0.25;   // reliefs: centre on the wall, radius
xn = 2.0;   R = 0.3;    // nose of the divider: centre on the mid-line, radius

yc = H / 2;             // mid-line
ys = yc - R;            // slit width

// Block corners on the arcs.  Three elements meet at each, so block sides
// leave the arc at the angle w from its normal.
a = 46 * Pi / 180;      // relief, from the upstream wall
b = 50 * Pi / 180;      // nose, from the tip
w = Pi / 6;
xa = r * Cos(a);        ya = r * Sin(a);
xb = xn - R * Cos(b);   yb = yc - R * Sin(b);

// Rows that end on the relief, pass between relief and nose, end on the nose.
n1 = Round(0.9 * r * a / h);
n2 = Round(1.05 * ys / h) - n1;
n3 = Round(R * b / h);
// Columns from the inlet to the relief, over it, on to the nose, to the outlet
// (m4 + m5).
m1 = Round(1.04 * (xr - r) / h);
m2 = Round(r * (Pi - 2 * a) / h);
m3 = Round(0.9 * (xb - xr - xa) / h);
m4 = Ceil((L - xn) / h);               // along the flat of the divider
m5 = Round(R * (Pi / 2 - b) / h);      // along the nose, up to the flat

// Boundary of the lower half, counter-clockwise.
Point(1)  = {0, 0, 0};
Point(2)  = {xr - r, 0, 0};
Point(3)  = {xr - xa, ya, 0};
Point(4)  = {xr + xa, ya, 0};
Point(5)  = {xr + r, 0, 0};
Point(6)  = {xb - 0.04, 0, 0};
Point(7)  = {L, 0, 0};
Point(8)  = {L, ys, 0};
Point(9)  = {xn, ys, 0};
Point(10) = {xb, yb, 0};
Point(11) = {xn - R, yc, 0};
Point(12) = {xr + 0.85 * r, yc, 0};
Point(13) = {xr - 0.85 * r, yc, 0};
Point(14) = {0, yc, 0};
Point(15) = {0, yc * n1 / (n1 + n2 + n3), 0};
Point(16) = {xr, 0, 0};   // relief centre
Point(17) = {xn, yc, 0};  // nose centre

Line(1)    = {1, 2};
Circle(2)  = {2, 16, 3};
Circle(3)  = {3, 16, 4};
Circle(4)  = {4, 16, 5};
Line(5)    = {5, 6};
Line(6)    = {6, 7};
Line(7)    = {7, 8};
Line(8)    = {8, 9};
Circle(9)  = {9, 17, 10};
Circle(10) = {10, 17, 11};
Line(11)   = {11, 12};
Line(12)   = {12, 13};
Line(13)   = {13, 14};
Line(14)   = {14, 15};
Line(15)   = {15, 1};

// Block sides inside the fluid, bent to leave the arcs at the angle w.
Point(18) = {xr + 0.8 * r, ya + 0.38 * (yc - ya), 0};
Point(19) = {xb - 0.03, 0.56 * yb, 0};
Point(20) = {xr - xa - 0.15 * Cos(a - w), ya + 0.15 * Sin(a - w), 0};
Point(21) = {xr - xa - 0.10 * Cos(a + w), ya + 0.10 * Sin(a + w), 0};
Point(22) = {xr + xa + 0.06 * Cos(a + w), ya + 0.06 * Sin(a + w), 0};
Point(23) = {xr + xa + 0.10 * Cos(a - w), ya + 0.10 * Sin(a - w), 0};
Point(24) = {xb - 0.10 * Cos(b - w), yb - 0.10 * Sin(b - w), 0};
Point(25) = {xb - 0.05 * Cos(b + w), yb - 0.05 * Sin(b + w), 0};

Bezier(16) = {15, 20, 3};
Bezier(17) = {3, 21, 13};
Bezier(18) = {4, 22, 18};
Line(19)   = {18, 12};
Bezier(20) = {4, 23, 19};
Bezier(21) = {18, 24, 10};
Bezier(22) = {10, 25, 19};
Line(23)   = {19, 6};

Curve Loop(1) = {1, 2, -16, 15};          Plane Surface(1) = {1};
Curve Loop(2) = {16, 17, 13, 14};         Plane Surface(2) = {2};
Curve Loop(3) = {3, 18, 19, 12, -17};     Plane Surface(3) = {3};
Curve Loop(4) = {4, 5, -23, -20};         Plane Surface(4) = {4};
Curve Loop(5) = {20, -22, -21, -18};      Plane Surface(5) = {5};
Curve Loop(6) = {21, 10, 11, -19};        Plane Surface(6) = {6};
Curve Loop(7) = {6, 7, 8, 9, 22, 23};     Plane Surface(7) = {7};

Transfinite Curve {2, 4, 15, 23}   = n1 + 1;
Transfinite Curve {18, 22}         = n2 + 1;
Transfinite Curve {10, 19}         = n3 + 1;
Transfinite Curve {14, 17}         = n2 + n3 + 1;
Transfinite Curve {7}              = n1 + n2 + 1;
Transfinite Curve {1, 13, 16}      = m1 + 1;
Transfinite Curve {3, 12}          = m2 + 1;
Transfinite Curve {5, 11, 20, 21}  = m3 + 1;
Transfinite Curve {6}              = m4 + m5 + 1;
Transfinite Curve {8}              = m4 + 1;
Transfinite Curve {9}              = m5 + 1;

Transfinite Surface {1, 2, 4, 5, 6};
Recombine Surface {1:7};

// Mirror.  The corners of blocks 3 and 7 have to be given, as these blocks
// have sides made of two curves.
Geometry.CopyMeshingMethod = 1;
c[] = Symmetry {0, 1, 0, -yc} { Duplicata { Point {3, 4, 6, 7, 8, 10}; } };
upper[] = Symmetry {0, 1, 0, -yc} { Duplicata { Surface {1:7}; } };
Transfinite Surface {3} = {3, 4, 12, 13};
Transfinite Surface {7} = {6, 7, 8, 10};
Transfinite Surface {upper[2]} = {c[0], c[1], 12, 13};
Transfinite Surface {upper[6]} = {c[2], c[3], c[4], c[5]};
Smoother Surface {1:7, upper[]} = 1000;  // until the two halves agree

// Turn the mirrored elements and boundary lines back to counter-clockwise.
ReverseMesh Surface {upper[]};
ReverseMesh Curve {Abs(CombinedBoundary {Surface {upper[]};})};

e = 1e-6;
inlet[]  = Curve In BoundingBox {-e, -e, -e, e, H + e, e};
outlet[] = Curve In BoundingBox {L - e, -e, -e, L + e, H + e, e};
wall[]   = Abs(CombinedBoundary {Surface {1:7, upper[]};});
wall[]  -= {inlet[], outlet[]};

Physical Curve("inlet", 1)   = inlet[];
Physical Curve("outlet", 2)  = outlet[];
Physical Curve("wall", 3)    = wall[];
Physical Surface("fluid", 4) = {1:7, upper[]};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
