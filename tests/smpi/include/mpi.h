/* SMPI's mpi.h as mpi-sys expects an mpi.h to be. */
#ifndef QUAD8_SMPI_H
#define QUAD8_SMPI_H

/* SMPI leaves out the two consts. */
#define MPI_Comm_spawn_multiple SMPI_Comm_spawn_multiple
#define MPI_Comm_get_parent SMPI_Comm_get_parent
#include_next <mpi.h>
#undef MPI_Comm_spawn_multiple
#undef MPI_Comm_get_parent
int MPI_Comm_spawn_multiple(int count, char* commands[], char** arguments[], const int ranks[], const MPI_Info infos[],
                            int root, MPI_Comm comm, MPI_Comm* others, int codes[]);

/* SMPI's own ends the simulation when it is called. */
int MPI_Comm_get_parent(MPI_Comm* parent) __asm__("no_parent");
int MPI_Comm_get_parent(MPI_Comm* parent) { *parent = MPI_COMM_NULL; return 0; }

/* In SMPI a member of an enumeration. */
#define MPI_SUCCESS 0

/* mpi-sys wants constants, SMPI's world is a variable. The library is loaded once for each rank, and then takes it over;
 * the constant of mpi-sys gets another name. Nobody asks for the communicator of one rank. */
MPI_Comm RSMPI_COMM_WORLD;
static void __attribute__((constructor)) take_world(void) { RSMPI_COMM_WORLD = MPI_COMM_WORLD; }
#define RSMPI_COMM_WORLD RSMPI_NO_WORLD
#define MPI_COMM_WORLD MPI_COMM_NULL
#undef MPI_COMM_SELF
#define MPI_COMM_SELF MPI_COMM_NULL

#endif
