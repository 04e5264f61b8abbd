/* SMPI's mpi.h as mpi-sys expects an mpi.h to be. */
#ifndef QUAD8_SMPI_H
#define QUAD8_SMPI_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Replaced below. */
#define MPI_Comm_spawn_multiple SMPI_Comm_spawn_multiple
#define MPI_Comm_get_parent SMPI_Comm_get_parent
#define MPI_Exscan SMPI_Exscan
#define MPI_Iprobe SMPI_Iprobe
#define MPI_Ibarrier SMPI_Ibarrier
#define MPI_Test SMPI_Test
#include_next <mpi.h>
#undef MPI_Comm_spawn_multiple
#undef MPI_Comm_get_parent
#undef MPI_Exscan
#undef MPI_Iprobe
#undef MPI_Ibarrier
#undef MPI_Test

double simgrid_get_clock(void);

/* Most ranks. */
#define QUAD8_RANKS (1 << 16)

/* SMPI leaves out the two consts. */
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

/* When a rank began to wait for its next message, or for the next step of a barrier. */
static struct { double since; int tag; } waits[QUAD8_RANKS];

/* A probe that finds nothing sleeps for 0.1 us and a twentieth of the time that the rank has waited, so that a rank probes
 * 50 to 200 times in a wait. SMPI's own sleeps grow with the probes of all ranks. Each wait of the solver probes for another
 * tag than the last one of its rank (src/parallel/mpi.rs). */
int MPI_Iprobe(int source, int tag, MPI_Comm comm, int* found, MPI_Status* status) __asm__("iprobe");
int MPI_Iprobe(int source, int tag, MPI_Comm comm, int* found, MPI_Status* status)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    PMPI_Iprobe(source, tag, comm, found, status);
    if (*found || waits[rank].tag != tag) {
        waits[rank].since = simgrid_get_clock();
        waits[rank].tag = tag;
    }
    if (!*found) {
        const double share = 0.05 * (simgrid_get_clock() - waits[rank].since);
        const struct timespec sleep = {0, (long)(1e9 * share) + 100};
        smpi_nanosleep(&sleep, NULL);
    }
    return MPI_SUCCESS;
}

/* SMPI's own barrier lets a rank pass when rank 0 enters. This is a dissemination barrier (D. Hensgen, R. Finkel, U. Manber,
 * Two Algorithms for Barrier Synchronization, Int. J. Parallel Program. 17, 1988): each test may take its next step. The
 * request is one for a message that the rank sends to itself at the end. A rank has one barrier at a time. Messages are
 * probed and received: SMPI never forgets a receive that ends in a test, and would walk through thousands of them. */
static struct { MPI_Comm comm; MPI_Request request; int from, distance; } barriers[QUAD8_RANKS];
enum { QUAD8_BARRIER_END = 30000, QUAD8_BARRIER_STEP };

static void quad8_barrier_step(int rank)
{
    int ranks;
    MPI_Comm comm = barriers[rank].comm;
    MPI_Comm_size(comm, &ranks);
    const int distance = barriers[rank].distance;
    if (distance >= ranks) {
        barriers[rank].comm = MPI_COMM_NULL;
        MPI_Send(NULL, 0, MPI_BYTE, rank, QUAD8_BARRIER_END, comm);
        return;
    }
    barriers[rank].distance = 2 * distance;
    barriers[rank].from = (rank + ranks - distance) % ranks;
    MPI_Send(NULL, 0, MPI_BYTE, (rank + distance) % ranks, QUAD8_BARRIER_STEP, comm);
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) __asm__("ibarrier");
int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    MPI_Irecv(NULL, 0, MPI_BYTE, rank, QUAD8_BARRIER_END, comm, request);
    barriers[rank].comm = comm;
    barriers[rank].request = *request;
    barriers[rank].distance = 1;
    quad8_barrier_step(rank);
    return MPI_SUCCESS;
}

int MPI_Test(MPI_Request* request, int* is_done, MPI_Status* status) __asm__("test");
int MPI_Test(MPI_Request* request, int* is_done, MPI_Status* status)
{
    int rank;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (barriers[rank].comm != MPI_COMM_NULL && barriers[rank].request == *request) {
        const int from = barriers[rank].from;
        int has_come;
        PMPI_Iprobe(from, QUAD8_BARRIER_STEP, barriers[rank].comm, &has_come, MPI_STATUS_IGNORE);
        if (has_come) {
            PMPI_Recv(NULL, 0, MPI_BYTE, from, QUAD8_BARRIER_STEP, barriers[rank].comm, MPI_STATUS_IGNORE);
            quad8_barrier_step(rank);
            waits[rank].since = simgrid_get_clock();
        }
    }
    return PMPI_Test(request, is_done, status);
}

/* The library's time is that of the simulation. */
#undef clock_gettime
int clock_gettime(clockid_t clock, struct timespec* time) { return smpi_clock_gettime(clock, time); }

/* All ranks share one thread. */
int sched_yield(void) { return 0; }

/* In SMPI a member of an enumeration. */
#define MPI_SUCCESS 0

/* mpi-sys expects constants, but SMPI's world is a variable. Its value, which means the world of whatever rank calls, is
 * copied when the library is loaded; the constant of mpi-sys gets another name. The communicator of one rank is unused. */
MPI_Comm RSMPI_COMM_WORLD;
static void __attribute__((constructor)) take_world(void) { RSMPI_COMM_WORLD = MPI_COMM_WORLD; }
#define RSMPI_COMM_WORLD RSMPI_NO_WORLD
#define MPI_COMM_WORLD MPI_COMM_NULL
#undef MPI_COMM_SELF
#define MPI_COMM_SELF MPI_COMM_NULL

#endif
