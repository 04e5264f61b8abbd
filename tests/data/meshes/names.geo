// Two regions, names with spaces and UTF-8, a curve inside the domain.
Point(1) = {0, 0, 0};  Point(2) = {1, 0, 0};  Point(3) = {2, 0, 0};
Point(4) = {2, 1, 0};  Point(5) = {1, 1, 0};  Point(6) = {0, 1, 0};
Line(1) = {1, 2};  Line(2) = {2, 3};  Line(3) = {3, 4};  Line(4) = {4, 5};  Line(5) = {5, 6};  Line(6) = {6, 1};
Line(7) = {2, 5};
Curve Loop(1) = {1, 7, 5, 6};   Plane Surface(1) = {1};
Curve Loop(2) = {2, 3, 4, -7};  Plane Surface(2) = {2};
Transfinite Curve {3, 6, 7} = 4;  Transfinite Curve {1, 2, 4, 5} = 4;
Transfinite Surface {1, 2};  Recombine Surface {1, 2};
Physical Curve("Inlet", 7) = {6};
Physical Curve("outlet to the sea", 3) = {3};
Physical Curve("Höhe über Grund – Wand", 12) = {1, 2};
Physical Curve("inner line", 20) = {7};
Physical Surface("cold rock", 5) = {1};
Physical Surface("warmes Öl", 6) = {2};
Mesh.ElementOrder = 2;
