// Two squares that touch without common nodes: BooleanFragments is missing.
SetFactory("OpenCASCADE");
Rectangle(1) = {0, 0, 0, 1, 1};  Rectangle(2) = {1, 0, 0, 1, 1};
Transfinite Curve {1:8} = 3;  Transfinite Surface {1, 2};  Recombine Surface {1, 2};
Physical Curve("inlet") = {4};  Physical Curve("outlet") = {6};
Physical Surface("left") = {1};  Physical Surface("right") = {2};
