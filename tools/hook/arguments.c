// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the limits of a command line of dmem-hook. */
#include <limits.h>
#include <string.h>

#include "arguments.h"

const struct option hook_options[] = {
	{ "max", 1, NULL, DMEM_MAX }, { "min", 1, NULL, DMEM_MIN },
	{ "strict", 0, NULL, HOOK_STRICT }, { "timeout", 1, NULL, HOOK_TIMEOUT },
	{ "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' },
	/* For tests. */
	{ "cgroup-root", 1, NULL, HOOK_CGROUP_ROOT }, { "proc", 1, NULL, HOOK_PROC },
	{ "heaps", 1, NULL, HOOK_HEAPS }, { "policy", 1, NULL, HOOK_POLICY_FILE },
	{ "log", 1, NULL, HOOK_LOG },
	{ 0 },
};

const char *hook_arguments_asks(struct dmem_arena *a, char **args, size_t n, struct hook_asks *asks)
{
	int opt;

	if (n > INT_MAX - 1)
		return "too many words";
	opterr = 0;
	/* 0: getopt() starts again with another command line. */
	optind = 0;
	/* "+": with any environment, a word that is no option ends them. */
	while ((opt = getopt_long((int)n, args, "+" HOOK_SHORT_OPTIONS, hook_options, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return optind > 0 && (size_t)optind <= n ? args[optind - 1] : "";
		if ((opt == DMEM_MAX || opt == DMEM_MIN) &&
		    hook_asks_argument(a, (enum dmem_kind)opt, optarg, asks))
			return optarg;
	}
	/* dmem-hook refuses such a word. */
	return (size_t)optind < n ? args[optind] : NULL;
}
