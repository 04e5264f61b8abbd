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
#define MPI_Issend SMPI_Issend
#define MPI_Irecv SMPI_Irecv
#define MPI_Testall SMPI_Testall
#include_next <mpi.h>
#undef MPI_Comm_spawn_multiple
#undef MPI_Comm_get_parent
#undef MPI_Exscan
#undef MPI_Iprobe
#undef MPI_Ibarrier
#undef MPI_Test
#undef MPI_Issend
#undef MPI_Irecv
#undef MPI_Testall

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

/* SMPI never forgets a request that ends in a test: a rank would walk through thousands of them whenever a message ends.
 * Requests that are tested are therefore made of messages that are probed, received and waited for. */
enum { QUAD8_BARRIER_END = 30000, QUAD8_BARRIER_STEP, QUAD8_RECEIVED };

/* SMPI's own barrier lets a rank pass when rank 0 enters. This is a dissemination barrier (D. Hensgen, R. Finkel, U. Manber,
 * Two Algorithms for Barrier Synchronization, Int. J. Parallel Program. 17, 1988): each test may take its next step. The
 * request is one for a message that the rank sends to itself at the end. A rank has one barrier at a time. */
static struct { MPI_Comm comm; MPI_Request request; int from, distance; } barriers[QUAD8_RANKS];

static int quad8_barrier_step(int rank)
{
    int ranks;
    MPI_Comm comm = barriers[rank].comm;
    MPI_Comm_size(comm, &ranks);
    const int distance = barriers[rank].distance;
    if (distance >= ranks) {
        MPI_Send(NULL, 0, MPI_BYTE, rank, QUAD8_BARRIER_END, comm);
        return 1;
    }
    barriers[rank].distance = 2 * distance;
    barriers[rank].from = (rank + ranks - distance) % ranks;
    MPI_Send(NULL, 0, MPI_BYTE, (rank + distance) % ranks, QUAD8_BARRIER_STEP, comm);
    return 0;
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) __asm__("ibarrier");
int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    PMPI_Irecv(NULL, 0, MPI_BYTE, rank, QUAD8_BARRIER_END, comm, request);
    barriers[rank].comm = comm;
    barriers[rank].request = *request;
    barriers[rank].distance = 1;
    quad8_barrier_step(rank);
    return MPI_SUCCESS;
}

/* Tests the barrier of a rank, the only request that is tested alone. */
int MPI_Test(MPI_Request* request, int* is_done, MPI_Status* status) __asm__("test");
int MPI_Test(MPI_Request* request, int* is_done, MPI_Status* status)
{
    int rank;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (barriers[rank].request != *request) abort();
    const int from = barriers[rank].from;
    *is_done = 0;
    PMPI_Iprobe(from, QUAD8_BARRIER_STEP, barriers[rank].comm, is_done, MPI_STATUS_IGNORE);
    if (!*is_done) return MPI_SUCCESS;
    PMPI_Recv(NULL, 0, MPI_BYTE, from, QUAD8_BARRIER_STEP, barriers[rank].comm, MPI_STATUS_IGNORE);
    *is_done = quad8_barrier_step(rank);
    waits[rank].since = simgrid_get_clock();
    return *is_done ? PMPI_Wait(request, status) : MPI_SUCCESS;
}

/* A synchronous send is an ordinary one, which its receiver acknowledges. The solver receives all messages with a tag above
 * 0 that it has probed, and sends them synchronously. It tests those of one search together. */
static struct { MPI_Comm comm; int count; } unacknowledged[QUAD8_RANKS];

int MPI_Issend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request* request)
    __asm__("issend");
int MPI_Issend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request* request)
{
    int rank;
    MPI_Comm_rank(comm, &rank);
    unacknowledged[rank].comm = comm;
    unacknowledged[rank].count += 1;
    return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request* request)
    __asm__("irecv");
int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request* request)
{
    PMPI_Irecv(data, count, type, from, tag, comm, request);
    return tag > 0 ? PMPI_Send(NULL, 0, MPI_BYTE, from, QUAD8_RECEIVED, comm) : MPI_SUCCESS;
}

int MPI_Testall(int count, MPI_Request requests[], int* are_done, MPI_Status statuses[]) __asm__("testall");
int MPI_Testall(int count, MPI_Request requests[], int* are_done, MPI_Status statuses[])
{
    int rank, found = 1;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm comm = unacknowledged[rank].comm;
    while (unacknowledged[rank].count > 0 && found) {
        /* All at once: in SMPI a message travels when its receive begins. */
        MPI_Request receives[64];
        int received = 0;
        while (received < 64) {
            MPI_Status status;
            PMPI_Iprobe(MPI_ANY_SOURCE, QUAD8_RECEIVED, comm, &found, &status);
            if (!found) break;
            PMPI_Irecv(NULL, 0, MPI_BYTE, status.MPI_SOURCE, QUAD8_RECEIVED, comm, &receives[received++]);
        }
        PMPI_Waitall(received, receives, MPI_STATUSES_IGNORE);
        unacknowledged[rank].count -= received;
    }
    *are_done = unacknowledged[rank].count == 0;
    return *are_done ? PMPI_Waitall(count, requests, statuses) : MPI_SUCCESS;
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
