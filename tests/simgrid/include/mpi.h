/* SMPI's mpi.h as mpi-sys expects an mpi.h to be. */
#ifndef QUAD8_SMPI_H
#define QUAD8_SMPI_H

#include <stdlib.h>
#include <string.h>

/* SMPI leaves out the two consts. */
#define MPI_Comm_spawn_multiple SMPI_Comm_spawn_multiple
#define MPI_Comm_get_parent SMPI_Comm_get_parent
#define MPI_Exscan SMPI_Exscan
#include_next <mpi.h>
#undef MPI_Comm_spawn_multiple
#undef MPI_Comm_get_parent
#undef MPI_Exscan
int MPI_Comm_spawn_multiple(int count, char* commands[], char** arguments[], const int ranks[], const MPI_Info infos[],
                            int root, MPI_Comm comm, MPI_Comm* others, int codes[]);

/* SMPI's own ends the simulation when it is called. */
int MPI_Comm_get_parent(MPI_Comm* parent) __asm__("no_parent");
int MPI_Comm_get_parent(MPI_Comm* parent) { *parent = MPI_COMM_NULL; return 0; }

/* SMPI's own sends to all higher ranks at once, which takes SimGrid minutes on 256. This one takes log2 P steps, as in
 * MPI libraries, for operations that commute. */
int MPI_Exscan(const void* give, void* get, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) __asm__("exscan");
int MPI_Exscan(const void* give, void* get, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    int rank, ranks, size, has_lower = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    MPI_Type_size(type, &size);
    const size_t bytes = (size_t)count * (size_t)size;
    char* sum = malloc(2 * bytes);
    char* heard = sum + bytes;
    memcpy(sum, give, bytes);
    for (int step = 1; step < ranks; step *= 2) {
        const int other = rank ^ step;
        if (other >= ranks) continue;
        MPI_Sendrecv(sum, count, type, other, 0, heard, count, type, other, 0, comm, MPI_STATUS_IGNORE);
        MPI_Reduce_local(heard, sum, count, type, op);
        if (other > rank) continue;
        if (has_lower) MPI_Reduce_local(heard, get, count, type, op);
        else memcpy(get, heard, bytes);
        has_lower = 1;
    }
    free(sum);
    return MPI_SUCCESS;
}

/* The library's time is that of the simulation. */
#undef clock_gettime
int clock_gettime(clockid_t clock, struct timespec* time) { return smpi_clock_gettime(clock, time); }

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
