// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs on the files of several kernels: those of mainline, which have a part of the files of
 * the series, and kernels with the series.
 *
 * test_kernels DIRECTORY TREES EXPECTED LSDMEM DMEMCTL GENERATOR APPLY HOOK
 *
 * Each file KERNEL in EXPECTED is a session on the files of TREES/common and TREES/KERNEL: after an
 * SPDX line, commands after a "$", each with its output, its messages and its exit status unless
 * that is 0. With UPDATE in the environment, the files are written anew: read the changes.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "docs.h"
#include "histlog.h"
#include "kerneltree.h"
#include "tap.h"

#define TEXT	(1 << 18)
#define WORDS	32
#define OPTION	4200
#define CG	"root/sys/fs/cgroup"
#define HEAPS	"root/sys/class/dma_heap"

static const char *dir, *trees, *expected;
static const char *lsdmem, *dmemctl, *generator, *apply, *hook;

/* Another program than in the command line: the first words are its own, then come those of the
 * command line from @from. */
static int start(char **word, int from, const char * const *own)
{
	const char *argv[2 * WORDS];
	int n = 0;

	while (own[n]) {
		argv[n] = own[n];
		n++;
	}
	while (word[from])
		argv[n++] = word[from++];
	argv[n] = NULL;
	return run(argv);
}

#define START(from, ...)	start(word, from, (const char * const []){ __VA_ARGS__, NULL })

/* dmem-apply CGROUP OPTION... */
static int run_apply(char **word)
{
	int ret;

	put("own", "0::/%s\n", word[1]);
	setenv("FAKE_SLEEP", tap_path("slept"), 1);
	unlink(tap_path("slept"));
	ret = START(2, apply, "--cgroup-root=" CG, "--own=own", "--heaps=" HEAPS, "--log=log", "--wait=0");
	put("out", "%s", get("log"));
	put("log", "%s", "");
	return ret;
}

/* The hook works in the directory "/". */
static void option(char text[OPTION], const char *name, const char *path)
{
	snprintf(text, OPTION, "--%s=%s", name, tap_path(path));
}

/* dmem-hook CGROUP ANNOTATION, which is the value of dmem.pool/max with "=" for each blank. */
static int run_hook(char **word)
{
	char file[64], root[OPTION], proc[OPTION], heaps[OPTION], policy[OPTION], log[OPTION];
	pid_t pid = fork();
	int ret;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	for (char *c = word[2]; (c = strchr(c, '=')); )
		*c = ' ';
	put("root/proc/self/cgroup", "0::/system.slice/engine.service\n");
	put("root/proc/self/uid_map", "         0          0 4294967295\n");
	put("root/proc/self/stat", "1 (a) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 1000 1 1\n");
	snprintf(file, sizeof(file), "root/proc/%d/stat", pid);
	put(file, "%d (a) S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 999 1 1\n", pid);
	snprintf(file, sizeof(file), "root/proc/%d/cgroup", pid);
	put(file, "0::/%s\n", word[1]);
	snprintf(root, sizeof(root), CG "/%s/cgroup.procs", word[1]);
	put(root, "%d\n", pid);
	put("in", "{\"ociVersion\":\"1.0.2\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":%d,"
	    "\"bundle\":\"/srv/b\",\"annotations\":{\"dmem.pool/max\":\"%s\"}}\n", pid, word[2]);
	put("hook.conf", "[Hook]\n");
	setenv("FAKE_SLEEP", tap_path("slept"), 1);
	unlink(tap_path("slept"));
	option(root, "cgroup-root", CG);
	option(proc, "proc", "root/proc");
	option(heaps, "heaps", HEAPS);
	option(policy, "policy", "hook.conf");
	option(log, "log", "log");
	ret = START(3, hook, root, proc, heaps, policy, log, "--timeout=10");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return ret;
}

static int run_generator(char **word)
{
	int ret;

	mkdir(tap_path("generated"), 0755);
	ret = START(1, generator, "--root=root", "--helper=/usr/libexec/dmem-apply", "generated");
	put("out", "%s", get_tree("generated"));
	return ret;
}

static int print_file(const char *path)
{
	bool there = !access(tap_path(path), F_OK);

	put("out", "%s", get(path));
	put("err", there ? "%s" : "%s: no such file\n", there ? "" : path);
	return !there;
}

/* The records of figures in a history: the others have the time and the machine. */
static int print_history(const char *path)
{
	static char text[TEXT];
	struct hist_found found;
	FILE *in = fopen(tap_path(path), "r"), *out = fopen(tap_path("out"), "w");
	size_t n = in ? fread(text, 1, sizeof(text), in) : 0;
	char *log = n ? strdup(histlog(text, n, &found)) : NULL, *save;

	for (char *l = log ? strtok_r(log, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(l, "region ", 7) || ((*l == 'r' || *l == 'c') && l[1] >= '0' && l[1] <= '9'))
			fprintf(out, "%s\n", l);
	}
	free(log);
	fclose(out);
	put("err", "%s", "");
	if (in)
		fclose(in);
	return !n;
}

/* Runs a command, with its output in "out" and "err". -1: there is no such command. */
static int command(char **word, int words)
{
	if (!strcmp(word[0], "lsdmem"))
		return START(1, lsdmem, "--sysroot=root");
	if (!strcmp(word[0], "dmemctl"))
		return START(1, dmemctl, "--sysroot=root");
	if (!strcmp(word[0], "dmem-generator"))
		return run_generator(word);
	if (!strcmp(word[0], "dmem-apply") && words > 1)
		return run_apply(word);
	if (!strcmp(word[0], "dmem-hook") && words > 2)
		return run_hook(word);
	if (!strcmp(word[0], "cat") && words == 2)
		return print_file(word[1]);
	if (!strcmp(word[0], "history") && words == 2)
		return print_history(word[1]);
	return -1;
}

/* Runs a command line, and prints its result. */
static void run_line(const char *line, FILE *o)
{
	char copy[1024], *word[WORDS] = { NULL }, *save;
	int n = 0, ret;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w && n < WORDS - 1; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	ret = n ? command(word, n) : -1;
	if (!check(ret >= 0, line, "status %d: %s", ret, ret < -1 ? get("err") : "no such command"))
		return;
	fputs(get("out"), o);
	fputs(get("err"), o);
	if (ret)
		fprintf(o, "[status %d]\n", ret);
}

/* True if the machine has been made. */
static bool machine(const char *name)
{
	char path[4096];
	const char *words;

	tap_dir(dir);
	if (chdir(dir))
		return false;
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/common", trees);
	if (!kernel_tree(path))
		return false;
	snprintf(path, sizeof(path), "%s/%s", trees, name);
	words = kernel_tree(path);
	if (!words || !*words)
		return false;
	setenv("FAKE_CG_KERNEL", words, 1);
	/* Process 1 has the same files as the hook. */
	put("root/proc/1/stat", "%s", "");
	link_to("root/proc/1/root", "/");
	return true;
}

/* The part of the text from @text to the next command. */
static size_t length(const char *text)
{
	const char *next = *text == '$' ? text : strstr(text, "\n$ ");

	return next ? (size_t)(next - text) + (*text != '$') : strlen(text);
}

static void session(const char *name)
{
	static char text[TEXT];
	char path[4096], line[1024], *got = NULL, *want = NULL, *at;
	size_t len, want_len;
	FILE *all, *o;
	int n = 0;

	tap_case("%s", name);
	if (!check(machine(name), "the kernel has a description", "%s/%s", trees, name))
		return;
	snprintf(path, sizeof(path), "%s/%s", expected, name);
	docs_read(path, text);
	all = open_memstream(&got, &len);
	at = text + length(text);
	fwrite(text, 1, (size_t)(at - text), all);
	while (*at == '$') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at + 2, "\n"), at + 2);
		at += strcspn(at, "\n");
		at += *at == '\n';
		want_len = length(at);
		tap_case("%s, command %d", name, ++n);
		fprintf(all, "$ %s\n", line);
		o = open_memstream(&want, &len);
		run_line(line, o);
		fclose(o);
		fputs(want, all);
		if (!getenv("UPDATE")) {
			char result[1100], *should = strndup(at, want_len);

			snprintf(result, sizeof(result), "%s: the output is as expected", line);
			check_text(want, should, result);
			free(should);
		}
		free(want);
		at += want_len;
	}
	fclose(all);
	if (getenv("UPDATE")) {
		o = fopen(path, "w");
		if (check(o != NULL, "the file is written", "%s", path)) {
			fputs(got, o);
			fclose(o);
		}
	}
	free(got);
}

/* Each kernel with a description has a session. */
static void test_sessions(void)
{
	struct dirent **de;
	int n = scandir(trees, &de, NULL, alphasort), sessions = 0;

	for (int i = 0; i < n; i++) {
		if (*de[i]->d_name != '.' && strcmp(de[i]->d_name, "common")) {
			session(de[i]->d_name);
			sessions++;
		}
		free(de[i]);
	}
	if (n >= 0)
		free(de);
	tap_case("%s", "");
	check(sessions >= 7, "all kernels are there", "%d in %s", sessions, trees);
}

int main(int argc, char **argv)
{
	if (argc < 9)
		return 2;
	dir = argv[1];
	trees = argv[2];
	expected = argv[3];
	lsdmem = argv[4];
	dmemctl = argv[5];
	generator = argv[6];
	apply = argv[7];
	hook = argv[8];
	setenv("LC_ALL", "C.UTF-8", 1);
	unsetenv("COLUMNS");
	tap_start();
	tap_dir(dir);
	RUN(test_sessions);
	return tap_end();
}
