// Venturi nozzle: a channel that narrows smoothly to a throat of half its
// height and widens again more slowly.  Lengths in metres.
//
// Five blocks in a row, so that no element lies across the end of a ramp.

DefineConstant[ n = 34 ];  // elements across

H = 1.0;                           // height of the channel
t = 0.25;                          // how far either wall moves in at the throat
x[] = {0, 0.4, 1.2, 1.5, 2.7, 3};  // ends of the blocks; ramps are the second and the fourth
in[] = {0, 0, t, t, 0, 0};         // how far the walls are in there
columns = 1.2 * n;                 // elements along a metre
steps = 40;                        // pieces of a ramp

For i In {0 : 5}
  Point(1 + i)  = {x[i], in[i], 0};
  Point(11 + i) = {x[i], H - in[i], 0};
  Line(21 + i)  = {1 + i, 11 + i};
EndFor
Transfinite Curve {21:26} = n + 1;

For i In {0 : 4}
  lower[] = {1 + i};
  upper[] = {11 + i};
  If (in[i] != in[i + 1])
    For j In {1 : steps - 1}
      s = (1 - Cos(Pi * j / steps)) / 2;
      xj = x[i] + (x[i + 1] - x[i]) * j / steps;
      yj = in[i] + (in[i + 1] - in[i]) * s;
      p = newp;  Point(p) = {xj, yj, 0};      lower[] += {p};
      p = newp;  Point(p) = {xj, H - yj, 0};  upper[] += {p};
    EndFor
  EndIf
  Spline(1 + i)  = {lower[], 2 + i};
  Spline(11 + i) = {upper[], 12 + i};
  Transfinite Curve {1 + i, 11 + i} = Round(columns * (x[i + 1] - x[i])) + 1;
  Curve Loop(1 + i) = {1 + i, 22 + i, -(11 + i), -(21 + i)};
  Plane Surface(1 + i) = {1 + i};
EndFor
Transfinite Surface {1:5};
Recombine Surface {1:5};

Physical Curve("inlet", 1)   = {21};
Physical Curve("outlet", 2)  = {26};
Physical Curve("wall", 3)    = {1:5, 11:15};
Physical Surface("fluid", 4) = {1:5};

Mesh.ElementOrder = 2;
Mesh.SecondOrderIncomplete = 1;  // eight nodes, none at the centre
Mesh.MshFileVersion = 4.1;
Mesh.Binary = 1;
