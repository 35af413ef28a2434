/* fakeapp: a fake `codex app-server` for benchmarks (newline-delimited JSON on stdio).
 *
 * Every event line is rendered before the turn/start that releases it is answered, so the flood
 * itself is only write(2). It ends when stdin ends, and after --max-seconds in any case.
 *
 *   --mode flood        N deltas for each turn/start
 *   --mode interleaved  waits for --turns turn/starts, then N deltas round robin over the turns
 *   --mode endless      deltas until turn/interrupt or the end of stdin; the sequence goes on
 *   --mode silent       turn/started, then nothing for --hold seconds or until turn/interrupt
 *   --mode paced        as interleaved, at --rate deltas a second in all; each delta's text is
 *                       CLOCK_MONOTONIC in nanoseconds at the moment of its write
 *   --events N  --turns K  --hold SECONDS  --rate PER_SECOND  --max-seconds SECONDS
 *   --progress FILE     mmap'ed u64[4]: lines written, first and last write (ns), turns started
 *
 * A delta's text is "%07ld ", counted per turn modulo 10^7, in all modes but paced.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TURNS = 4096, CHUNK = 65536, DIGITS = 7, WRAP = 10000000, ID = 64, LINE = 8192 };
enum { LINES, FIRST_NS, LAST_NS, TURNS_STARTED, COUNTERS };

typedef struct { char thread[ID]; volatile int stopped; } Turn;
typedef struct { char *bytes; size_t used, size; } Buffer;
typedef struct { Buffer lines; long first, count; size_t head, stride, digits; } Flood;

static const char *mode = "flood";
static long events = 200000, wanted_turns = 1, max_seconds = 120;
static double hold = 10, rate = 1000;
static Turn turns[MAX_TURNS];
static long turn_count, thread_count;
static uint64_t no_progress[COUNTERS];
static volatile uint64_t *progress = no_progress;
static pthread_mutex_t stdout_lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *why) { fprintf(stderr, "fakeapp: %s\n", why); _exit(2); }
static int is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void sleep_ns(uint64_t ns) {
    struct timespec t = {(time_t)(ns / 1000000000ull), (long)(ns % 1000000000ull)};
    nanosleep(&t, NULL);
}

/* Writes all of it as one piece; the reader having gone ends the program. */
static void emit(const char *bytes, size_t size) {
    pthread_mutex_lock(&stdout_lock);
    while (size) {
        ssize_t done = write(1, bytes, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) _exit(0);
        bytes += done;
        size -= (size_t)done;
    }
    pthread_mutex_unlock(&stdout_lock);
}

static void put(Buffer *to, const char *format, ...) {
    if (to->size - to->used < LINE) {
        to->size = to->size ? to->size * 2 : 1 << 20;
        if (!(to->bytes = realloc(to->bytes, to->size))) die("out of memory");
    }
    va_list args;
    va_start(args, format);
    int size = vsnprintf(to->bytes + to->used, LINE, format, args);
    va_end(args);
    if (size < 0 || size >= LINE) die("a line is too long");
    to->used += (size_t)size;
}

#define TURN_ID "01a203b8-b8ed-77c2-bfb6-%012lx"
#define ITEM_ID "msg_0d5f5b2c3e4a5b6c0069240a1b2c3d4e5f60718293a4%06lx"
#define STAMP ",\"emittedAtMs\":1795358767446}\n"
#define ITEM_TAIL "\"phase\":null,\"memoryCitation\":null,\"delivery\":null,\"questions\":null}"
#define TURN_BODY "{\"id\":\"" TURN_ID "\",\"rootTurnId\":\"" TURN_ID "\",\"items\":[],\"itemsView\":\"%s\","            \
                  "\"status\":\"%s\",\"error\":null,\"startedAt\":%s,\"completedAt\":%s,\"durationMs\":%s}"
#define TOKENS "{\"totalTokens\":2,\"inputTokens\":1,\"cachedInputTokens\":0,\"cacheWriteInputTokens\":0,"               \
               "\"outputTokens\":1,\"reasoningOutputTokens\":0}"

static void put_head(Buffer *to, long i) {
    const char *thread = turns[i].thread;
    put(to, "{\"method\":\"turn/started\",\"params\":{\"threadId\":\"%s\",\"turn\":" TURN_BODY "}" STAMP,
        thread, i, i, "notLoaded", "inProgress", "1795358767", "null", "null");
    put(to, "{\"method\":\"item/started\",\"params\":{\"item\":{\"type\":\"agentMessage\",\"id\":\"" ITEM_ID "\","
            "\"text\":\"\"," ITEM_TAIL ",\"threadId\":\"%s\",\"turnId\":\"" TURN_ID "\",\"startedAtMs\":1795358767445}" STAMP,
        i, thread, i);
}

static void put_delta(Buffer *to, long i, const char *text) {
    put(to, "{\"method\":\"item/agentMessage/delta\",\"params\":{\"threadId\":\"%s\",\"turnId\":\"" TURN_ID "\","
            "\"itemId\":\"" ITEM_ID "\",\"delta\":\"%s\"}" STAMP, turns[i].thread, i, i, text);
}

static void put_numbered(Buffer *to, long i, long number) {
    char text[32];
    snprintf(text, sizeof text, "%0*ld ", DIGITS, number % WRAP);
    put_delta(to, i, text);
}

static void put_tail(Buffer *to, long i) {
    const char *thread = turns[i].thread;
    put(to, "{\"method\":\"item/completed\",\"params\":{\"item\":{\"type\":\"agentMessage\",\"id\":\"" ITEM_ID "\","
            "\"text\":\"done\"," ITEM_TAIL ",\"threadId\":\"%s\",\"turnId\":\"" TURN_ID "\",\"completedAtMs\":1795358767446}" STAMP,
        i, thread, i);
    put(to, "{\"method\":\"thread/tokenUsage/updated\",\"params\":{\"threadId\":\"%s\",\"turnId\":\"" TURN_ID "\","
            "\"tokenUsage\":{\"total\":" TOKENS ",\"last\":" TOKENS ",\"modelContextWindow\":258400}}" STAMP, thread, i);
    put(to, "{\"method\":\"turn/completed\",\"params\":{\"threadId\":\"%s\",\"turn\":" TURN_BODY "}" STAMP,
        thread, i, i, "summary", turns[i].stopped ? "interrupted" : "completed", "1795358767", "1795358767", "104");
}

static Flood *render(long first, long count) {
    Flood *flood = calloc(1, sizeof *flood);
    if (!flood) die("out of memory");
    flood->first = first;
    flood->count = count;
    Buffer *to = &flood->lines;
    for (long i = 0; i < count; i++) put_head(to, first + i);
    flood->head = to->used;
    for (long n = 0; n < events; n++) put_numbered(to, first + n % count, n / count);
    if (count == 1 && events) {  /* all delta lines of one turn are equally long */
        flood->stride = (to->used - flood->head) / (size_t)events;
        flood->digits = (size_t)(strstr(to->bytes + flood->head, "\"delta\":\"") - (to->bytes + flood->head)) + 9;
    }
    if (!is(mode, "endless"))
        for (long i = 0; i < count; i++) put_tail(to, first + i);
    return flood;
}

static size_t count_lines(const char *from, const char *end) {
    size_t lines = 0;
    while (from < end && (from = memchr(from, '\n', (size_t)(end - from)))) { lines++; from++; }
    return lines;
}

static const char *cut(const char *from, const char *end) {
    if (end - from <= CHUNK) return end;
    const char *at = from + CHUNK;
    while (at > from && at[-1] != '\n') at--;
    if (at == from) die("a line is longer than a chunk");
    return at;
}

static void pump(Flood *flood, size_t offset) {
    const char *from = flood->lines.bytes + offset, *end = flood->lines.bytes + flood->lines.used;
    if (!progress[FIRST_NS]) progress[FIRST_NS] = now_ns();
    while (from < end && !turns[flood->first].stopped) {
        const char *to = cut(from, end);
        emit(from, (size_t)(to - from));
        progress[LINES] += count_lines(from, to);
        from = to;
    }
    progress[LAST_NS] = now_ns();
}

/* Gives the rendered deltas the numbers of the next pass. */
static void renumber(Flood *flood, long pass) {
    char *at = flood->lines.bytes + flood->head + flood->digits;
    for (long n = 0; n < events; n++, at += flood->stride) {
        long number = (pass * events + n) % WRAP;
        for (int digit = DIGITS - 1; digit >= 0; digit--, number /= 10) at[digit] = (char)('0' + number % 10);
    }
}

static void finish_turns(long first, long count) {
    Buffer tail = {0};
    for (long i = 0; i < count; i++) put_tail(&tail, first + i);
    emit(tail.bytes, tail.used);
    free(tail.bytes);
}

static void *run_flood(void *arg) {
    Flood *flood = arg;
    pump(flood, 0);
    if (is(mode, "endless")) {
        for (long pass = 1; !turns[flood->first].stopped; pass++) {
            renumber(flood, pass);
            pump(flood, flood->head);
        }
    }
    if (turns[flood->first].stopped) finish_turns(flood->first, flood->count);
    free(flood->lines.bytes);
    free(flood);
    return NULL;
}

static void *run_silent(void *arg) {
    long i = (long)arg;
    uint64_t until = now_ns() + (uint64_t)(hold * 1e9);
    Buffer head = {0};
    put_head(&head, i);
    emit(head.bytes, head.used);
    free(head.bytes);
    while (now_ns() < until && !turns[i].stopped) sleep_ns(2000000);
    finish_turns(i, 1);
    return NULL;
}

static void *run_paced(void *arg) {
    (void)arg;
    Buffer line = {0};
    for (long i = 0; i < wanted_turns; i++) put_head(&line, i);
    emit(line.bytes, line.used);
    uint64_t start = now_ns();
    for (long n = 0; n < events; n++) {
        uint64_t due = start + (uint64_t)((double)n * 1e9 / rate), at = now_ns();
        char text[32];
        if (due > at) sleep_ns(due - at);
        line.used = 0;
        snprintf(text, sizeof text, "%llu", (unsigned long long)now_ns());
        put_delta(&line, n % wanted_turns, text);
        emit(line.bytes, line.used);
        progress[LINES]++;
    }
    finish_turns(0, wanted_turns);
    free(line.bytes);
    return NULL;
}

/* Copies the scalar that follows `key`; a string keeps its quotes. Enough for the requests of a client we know. */
static int field(const char *line, const char *key, char *out, size_t size) {
    const char *from = strstr(line, key);
    if (!from) return 0;
    from += strlen(key);
    while (*from == ' ' || *from == ':') from++;
    const char *to = from;
    if (*to == '"') { do to++; while (*to && !(*to == '"' && to[-1] != '\\')); if (*to) to++; }
    else while (*to == '-' || (*to >= '0' && *to <= '9')) to++;
    if (to == from || (size_t)(to - from) >= size) return 0;
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = 0;
    return 1;
}

static void answer(const char *id, const char *format, ...) {
    char body[LINE], line[LINE + 256];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    emit(line, (size_t)snprintf(line, sizeof line, "{\"id\":%s,\"result\":%s}\n", id, body));
}

static void launch(void *(*run)(void *), void *arg) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, arg)) die("pthread_create failed");
    pthread_detach(thread);
}

/* The user agent begins with the client's own name, as the real one's does. */
static void initialize(const char *id, const char *line) {
    char name[128] = "\"bench\"";
    field(line, "\"name\"", name, sizeof name);
    name[strlen(name) - 1] = 0;
    answer(id, "{\"userAgent\":%s/0.163.0 (Linux)\",\"codexHome\":\"/tmp\",\"platformFamily\":\"unix\","
               "\"platformOs\":\"linux\"}", name);
}

static void start_thread(const char *id, const char *line) {
    char thread[ID], cwd[4096] = "\"/tmp\"";
    field(line, "\"cwd\"", cwd, sizeof cwd);
    snprintf(thread, sizeof thread, "01a203b8-b8c4-71b2-b202-%012lx", thread_count++);
    answer(id,
           "{\"thread\":{\"id\":\"%s\",\"environments\":[],\"extra\":null,\"sessionId\":\"%s\",\"forkedFromId\":null,"
           "\"parentThreadId\":null,\"preview\":\"\",\"ephemeral\":false,\"section\":null,\"sectionEnteredAt\":null,"
           "\"projectId\":null,\"historyMode\":\"paginated\",\"modelProvider\":\"mock\",\"model\":\"mock-model\","
           "\"reasoningEffort\":null,\"createdAt\":1795358767,\"updatedAt\":1795358767,\"recencyAt\":1795358767,"
           "\"status\":{\"type\":\"idle\"},\"path\":\"/tmp/r.jsonl\",\"cwd\":%s,\"cliVersion\":\"0.163.0\","
           "\"originator\":\"bench\",\"source\":\"vscode\",\"canAcceptDirectInput\":true,\"threadSource\":null,"
           "\"agentNickname\":null,\"agentRole\":null,\"gitInfo\":null,\"name\":null,\"daybreakEnabled\":null,\"turns\":[]},"
           "\"model\":\"mock-model\",\"modelProvider\":\"mock\",\"serviceTier\":null,\"disabledPluginIds\":[],\"cwd\":%s,"
           "\"runtimeWorkspaceRoots\":[%s],\"instructionSources\":[],\"approvalPolicy\":\"never\",\"approvalsReviewer\":\"user\","
           "\"sandbox\":{\"type\":\"readOnly\",\"networkAccess\":false},\"activePermissionProfile\":null,"
           "\"reasoningEffort\":null,\"multiAgentMode\":\"explicitRequestOnly\"}",
           thread, thread, cwd, cwd, cwd);
}

static void start_turn(const char *id, const char *line) {
    char quoted[ID];
    if (turn_count == MAX_TURNS) die("too many turns");
    if (!field(line, "\"threadId\"", quoted, sizeof quoted)) die("turn/start without a threadId");
    long i = turn_count++;
    snprintf(turns[i].thread, sizeof turns[i].thread, "%.*s", (int)strlen(quoted) - 2, quoted + 1);
    progress[TURNS_STARTED] = (uint64_t)turn_count;
    Flood *flood = NULL;
    if (is(mode, "flood") || is(mode, "endless")) flood = render(i, 1);
    if (is(mode, "interleaved") && turn_count == wanted_turns) flood = render(0, wanted_turns);
    answer(id, "{\"turn\":" TURN_BODY "}", i, i, "notLoaded", "inProgress", "null", "null", "null");
    if (flood) launch(run_flood, flood);
    if (is(mode, "silent")) launch(run_silent, (void *)i);
    if (is(mode, "paced") && turn_count == wanted_turns) launch(run_paced, NULL);
}

static void interrupt_turn(const char *id, const char *line) {
    char quoted[ID];
    if (field(line, "\"turnId\"", quoted, sizeof quoted) && strlen(quoted) > 24) {
        long i = strtol(quoted + 25, NULL, 16);
        if (i >= 0 && i < turn_count) turns[i].stopped = 1;
    }
    answer(id, "{}");
}

static void serve(const char *line) {
    char id[128], method[128];
    if (!field(line, "\"method\"", method, sizeof method) || !field(line, "\"id\"", id, sizeof id)) return;
    if (is(method, "\"initialize\"")) initialize(id, line);
    else if (is(method, "\"thread/start\"")) start_thread(id, line);
    else if (is(method, "\"turn/start\"")) start_turn(id, line);
    else if (is(method, "\"turn/interrupt\"")) interrupt_turn(id, line);
    else if (is(method, "\"account/read\""))
        answer(id, "{\"account\":null,\"requiresOpenaiAuth\":false,\"workspaceRouting\":null}");
    else if (is(method, "\"configRequirements/read\"")) answer(id, "{\"requirements\":null}");
    else answer(id, "{}");
}

static void map_progress(const char *path) {
    int file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, sizeof no_progress)) die("cannot open the progress file");
    void *map = mmap(NULL, sizeof no_progress, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) die("cannot map the progress file");
    progress = map;
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (is(name, "--mode")) mode = value;
        else if (is(name, "--events")) events = atol(value);
        else if (is(name, "--turns")) wanted_turns = atol(value);
        else if (is(name, "--hold")) hold = atof(value);
        else if (is(name, "--rate")) rate = atof(value);
        else if (is(name, "--max-seconds")) max_seconds = atol(value);
        else if (is(name, "--progress")) map_progress(value);
        else die("unknown option");
    }
    if (events < 0 || wanted_turns < 1 || wanted_turns > MAX_TURNS) die("a number is out of range");
    alarm((unsigned)max_seconds);  /* the default action of SIGALRM is the watchdog */
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) serve(line);
    _exit(0);
}
