// SPDX-License-Identifier: GPL-2.0
/*
 * Inject fatal errors at ports above an NVMe while its disk is written and read.
 *
 *	aer_io_test port=ID[,ID]... BDF
 *
 * QEMU's monitor injects the errors into the ports with these IDs, in turn. I/O may
 * fail while the link is down. Each error must cause one recovery, which keeps the
 * controller, the disk, and all data that was flushed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "reset_lib.h"

#define ERRORS		8	/* at each port */

#define SECTOR		512
#define BLOCK		4096
#define SECTORS		(BLOCK / SECTOR)
#define NR_BLOCKS	1024
#define WRITERS		2	/* each block has one writer */
#define READERS		2
#define FLUSH_AFTER	8	/* blocks */

/* Blocks that each thread has to transfer between two errors */
#define PROGRESS	64

/* For what takes a second; long because guest time may run fast, see vmtest.sh */
#define DEADLINE_S	600

static struct reset_args args;

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* --- contents of the disk ----------------------------------------------- */

/* Each write of a block stores a new generation */
struct sector {
	__u32 block;
	__u32 sector;
	__u32 gen;
	__u32 data[SECTOR / 4 - 4];
	__u32 sum;
};

static void fill(struct sector *s, __u32 block, __u32 sector, __u32 gen)
{
	__u32 x = (block * SECTORS + sector) * 0x9e3779b9 ^ gen * 0x85ebca6b;
	unsigned int i;

	s->block = block;
	s->sector = sector;
	s->gen = gen;
	s->sum = gen;
	for (i = 0; i < ARRAY_SIZE(s->data); i++) {
		x = x * 1664525 + 1013904223;
		s->data[i] = x;
		s->sum = (s->sum ^ x) * 0x01000193;
	}
}

/* The generation of a sector, or -1 if its contents were never written */
static long generation(const struct sector *s, __u32 block, __u32 sector)
{
	struct sector expected;

	fill(&expected, block, sector, s->gen);
	return memcmp(&expected, s, sizeof(expected)) ? -1 : s->gen;
}

/* --- I/O ---------------------------------------------------------------- */

struct io {
	int fd;
	bool stop;
	bool down;			/* from an error to the end of its recovery */
	unsigned int nr_errors;
	__u32 tried[NR_BLOCKS];		/* newest generation written */
	__u32 kept[NR_BLOCKS];		/* newest generation flushed */
};

struct worker {
	struct io *io;
	pthread_t thread;
	unsigned int nr;
	unsigned int random;
	unsigned long done;		/* blocks */
	unsigned int failed;		/* while the link was down */
	unsigned int unexpected;	/* while the link was up */
	unsigned int wrong;		/* blocks with other data */
	int rc;
};

#define LOAD(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define STORE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELEASE)

/* An I/O may fail if the link was down at any time during the I/O */
struct moment {
	bool down;
	unsigned int nr_errors;
};

static struct moment moment(struct io *io)
{
	return (struct moment) {
		.down = LOAD(io->down),
		.nr_errors = LOAD(io->nr_errors),
	};
}

static void io_failed(struct worker *worker, struct moment before)
{
	struct io *io = worker->io;

	worker->rc = errno;
	if (before.down || LOAD(io->down) || before.nr_errors != LOAD(io->nr_errors))
		worker->failed++;
	else
		worker->unexpected++;
	usleep(1000);
}

static void flush_blocks(struct worker *worker, const __u32 *blocks, const __u32 *gens,
			 unsigned int nr)
{
	struct moment before = moment(worker->io);
	unsigned int i;

	if (fdatasync(worker->io->fd)) {
		io_failed(worker, before);
		return;
	}
	for (i = 0; i < nr; i++)
		STORE(worker->io->kept[blocks[i]], gens[i]);
	STORE(worker->done, worker->done + nr);
}

static void *write_blocks(void *data)
{
	__u32 blocks[FLUSH_AFTER], gens[FLUSH_AFTER], block, gen, i;
	struct worker *worker = data;
	struct io *io = worker->io;
	struct sector *buf;
	struct moment before;
	unsigned int nr = 0;

	if (posix_memalign((void **)&buf, BLOCK, BLOCK))
		return NULL;
	while (!LOAD(io->stop)) {
		block = rand_r(&worker->random) % (NR_BLOCKS / WRITERS) * WRITERS + worker->nr;
		gen = io->tried[block] + 1;
		for (i = 0; i < SECTORS; i++)
			fill(buf + i, block, i, gen);
		STORE(io->tried[block], gen);
		before = moment(io);
		if (pwrite(io->fd, buf, BLOCK, (off_t)block * BLOCK) != BLOCK) {
			io_failed(worker, before);
			continue;
		}
		blocks[nr] = block;
		gens[nr++] = gen;
		if (nr == FLUSH_AFTER) {
			flush_blocks(worker, blocks, gens, nr);
			nr = 0;
		}
	}
	free(buf);
	return NULL;
}

/* 0 if the block has a valid generation, 1 if it has not, -1 if the read fails */
static int check_block(struct io *io, struct sector *buf, __u32 block)
{
	__u32 kept = LOAD(io->kept[block]), i;
	long gen;

	if (pread(io->fd, buf, BLOCK, (off_t)block * BLOCK) != BLOCK)
		return -1;
	for (i = 0; i < SECTORS; i++) {
		gen = generation(buf + i, block, i);
		if (gen >= kept && gen <= LOAD(io->tried[block]))
			continue;
		printf("# block %u, sector %u: generation %ld (%u of block %u), kept %u, last %u\n",
		       block, i, gen, buf[i].gen, buf[i].block, kept, LOAD(io->tried[block]));
		return 1;
	}
	return 0;
}

static void *read_blocks(void *data)
{
	struct worker *worker = data;
	struct io *io = worker->io;
	struct sector *buf;
	struct moment before;
	int rc;

	if (posix_memalign((void **)&buf, BLOCK, BLOCK))
		return NULL;
	while (!LOAD(io->stop)) {
		before = moment(io);
		rc = check_block(io, buf, rand_r(&worker->random) % NR_BLOCKS);
		if (rc < 0)
			io_failed(worker, before);
		else
			STORE(worker->done, worker->done + 1);
		worker->wrong += rc > 0;
	}
	free(buf);
	return NULL;
}

/* --- progress ----------------------------------------------------------- */

static bool all_make_progress(struct worker *workers, unsigned int nr)
{
	unsigned long before[WRITERS + READERS];
	time_t end = now() + DEADLINE_S;
	unsigned int i, left;

	for (i = 0; i < nr; i++)
		before[i] = LOAD(workers[i].done);
	do {
		usleep(10000);
		for (left = 0, i = 0; i < nr; i++)
			left += LOAD(workers[i].done) < before[i] + PROGRESS;
	} while (left && now() < end);
	return !left;
}

/* --- the test ----------------------------------------------------------- */

/* Properties that change if the controller or the disk is removed and added again */
struct identity {
	char driver[NAME_MAX];
	char disk[64];
	char diskseq[32];
	ino_t ino;
};

static int identify(const char *bdf, struct identity *id)
{
	char path[PATH_MAX];
	struct stat st;
	FILE *f;

	memset(id, 0, sizeof(*id));
	if (pci_driver(bdf, id->driver, sizeof(id->driver)) ||
	    nvme_disk(bdf, id->disk, sizeof(id->disk)))
		return -1;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	if (stat(path, &st))
		return -1;
	id->ino = st.st_ino;
	snprintf(path, sizeof(path), "/sys/block/%s/diskseq", strrchr(id->disk, '/') + 1);
	f = fopen(path, "r");
	if (!f || !fgets(id->diskseq, sizeof(id->diskseq), f))
		return -1;
	fclose(f);
	return 0;
}

FIXTURE(aer_io) {
	struct io *io;
	struct worker workers[WRITERS + READERS];
	struct identity id;
	struct error_log log;
	int pciehp;		/* kernel log, for messages of pciehp */
	struct sector *buf;
};

FIXTURE_SETUP(aer_io)
{
	const char *bdf = args.scope[0];
	unsigned int i, j;

	/* The driver probes and scans for namespaces asynchronously */
	for (i = 0; i < 1000 && identify(bdf, &self->id); i++)
		usleep(10000);
	ASSERT_STREQ("nvme", self->id.driver);
	self->io = calloc(1, sizeof(*self->io));
	self->io->fd = open(self->id.disk, O_RDWR | O_DIRECT);
	ASSERT_LE(0, self->io->fd);

	/* Write generation 1 of all blocks */
	ASSERT_EQ(0, posix_memalign((void **)&self->buf, BLOCK, BLOCK));
	for (i = 0; i < NR_BLOCKS; i++) {
		for (j = 0; j < SECTORS; j++)
			fill(self->buf + j, i, j, 1);
		ASSERT_EQ(BLOCK, pwrite(self->io->fd, self->buf, BLOCK, (off_t)i * BLOCK));
		self->io->tried[i] = 1;
		self->io->kept[i] = 1;
	}
	ASSERT_EQ(0, fdatasync(self->io->fd));

	self->log.kmsg = kmsg_open();
	self->pciehp = kmsg_open();
	ASSERT_LE(0, self->pciehp);
}

FIXTURE_TEARDOWN(aer_io)
{
}

static void start_workers(struct __test_metadata *_metadata, FIXTURE_DATA(aer_io) *self)
{
	struct worker *worker;
	unsigned int i;

	for (i = 0; i < WRITERS + READERS; i++) {
		worker = &self->workers[i];
		worker->io = self->io;
		worker->nr = i;
		worker->random = i + 1;
		ASSERT_EQ(0, pthread_create(&worker->thread, NULL,
					    i < WRITERS ? write_blocks : read_blocks, worker));
	}
}

/* Check that I/O failed only while the link was down; returns how many did */
static unsigned int stop_workers(struct __test_metadata *_metadata, FIXTURE_DATA(aer_io) *self)
{
	unsigned int i, failed = 0;
	struct worker *worker;
	const char *name;

	STORE(self->io->stop, true);
	for (i = 0; i < WRITERS + READERS; i++) {
		name = i < WRITERS ? "writer" : "reader";
		worker = &self->workers[i];
		pthread_join(worker->thread, NULL);
		EXPECT_EQ(0, worker->wrong);
		EXPECT_EQ(0, worker->unexpected) {
			TH_LOG("%s %u: I/O fails with the link up: %s", name, i,
			       strerror(worker->rc));
		}
		failed += worker->failed;
		ksft_print_msg("%s %u: %lu blocks, %u failed\n", name, i, worker->done,
			       worker->failed);
	}
	return failed;
}

TEST_F_TIMEOUT(aer_io, fatal_errors_lose_no_data, LONG_TIMEOUT)
{
	unsigned int i, failed, wrong = 0;
	struct io *io = self->io;
	struct identity id;

	start_workers(_metadata, self);
	for (i = 0; i < ERRORS * (unsigned int)args.nr_port; i++) {
		ASSERT_TRUE(all_make_progress(self->workers, WRITERS + READERS)) {
			TH_LOG("no I/O after %u errors", i);
		}
		STORE(io->nr_errors, i + 1);
		STORE(io->down, true);
		ASSERT_EQ(0, inject_fatal(args.port[i % args.nr_port]));
		ASSERT_TRUE(error_log_wait(&self->log, i + 1)) {
			TH_LOG("error %u at %s: no recovery", i, args.port[i % args.nr_port]);
		}
		STORE(io->down, false);
	}
	ASSERT_TRUE(all_make_progress(self->workers, WRITERS + READERS));
	failed = stop_workers(_metadata, self);

	/* All flushed data is there */
	for (i = 0; i < NR_BLOCKS; i++)
		wrong += !!check_block(io, self->buf, i);
	EXPECT_EQ(0, wrong);

	/* One recovery for each error */
	error_log_read(&self->log);
	EXPECT_EQ(ERRORS * args.nr_port, self->log.recovered);
	EXPECT_EQ(0, self->log.failed);
	EXPECT_EQ(ERRORS * args.nr_port, self->log.restarted);

	/* Nothing was removed */
	EXPECT_EQ(0, pciehp_complaints(self->pciehp));
	ASSERT_EQ(0, identify(args.scope[0], &id));
	EXPECT_STREQ(self->id.driver, id.driver);
	EXPECT_STREQ(self->id.disk, id.disk);
	EXPECT_STREQ(self->id.diskseq, id.diskseq);
	EXPECT_EQ(self->id.ino, id.ino);
	EXPECT_EQ(0, nvme_does_io(args.scope[0]));
	ksft_print_msg("%u errors, %u I/Os failed\n", ERRORS * args.nr_port, failed);
}

int main(int argc, char **argv)
{
	require_vm();
	if (reset_parse_args(&args, &argc, argv))
		return KSFT_FAIL;
	if (args.nr_scope != 1 || !args.nr_port) {
		ksft_print_header();
		ksft_exit_skip("no NVMe and no port given: see run_vm_tests.sh\n");
	}
	return test_harness_run(argc, argv);
}
