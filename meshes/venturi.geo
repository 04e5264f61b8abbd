// Venturi nozzle: a channel that narrows smoothly to a throat of half its
// height and widens again more slowly.  Lengths in metres.

DefineConstant[ n = 34 ];  // elements across

L = 3.0;   H = 1.0;    // channel
t = 0.25;              // how far either wall moves in at the throat
x0 = 0.4;  x1 = 1.2;   // the walls move in
x2 = 1.5;  x3 = 2.7;   // and out again

steps = 24;

Point(1) = {0, 0, 0};
Point(2) = {L, 0, 0};
Point(3) = {L, H, 0};
Point(4) = {0, H, 0};

// Cosine ramps on the lower wall and, mirrored, on the upper.
lower[] = {1};
upper[] = {4};
For i In {0 : steps}
  s = (1 - Cos(Pi * i / steps)) / 2;
  p = newp;  Point(p) = {x0 + (x1 - x0) * i / steps, t * s, 0};          lower[] += {p};
  p = newp;  Point(p) = {x0 + (x1 - x0) * i / steps, H - t * s, 0};      upper[] += {p};
EndFor
For i In {0 : steps}
  s = (1 + Cos(Pi * i / steps)) / 2;
  p = newp;  Point(p) = {x2 + (x3 - x2) * i / steps, t * s, 0};          lower[] += {p};
  p = newp;  Point(p) = {x2 + (x3 - x2) * i / steps, H - t * s, 0};      upper[] += {p};
EndFor
lower[] += {2};
upper[] += {3};

Spline(1) = {lower[]};
Line(2)   = {2, 3};
Spline(3) = {upper[]};
Line(4)   = {4, 1};

Curve Loop(1) = {1, 2, -3, 4};
Plane Surface(1) = {1};

Transfinite Curve {1, 3} = 3.6 * n + 1;
Transfinite Curve {2, 4} = n + 1;
Transfinite Surface {1};
Recombine Surface {1};

Physical Curve("inlet", 1)   = {4};
Physical Curve("outlet", 2)  = {2};
Physical Curve("wall", 3)    = {1, 3};
Physical Surface("fluid", 4) = {1};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
