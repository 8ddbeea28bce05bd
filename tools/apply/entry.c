// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The entry point of dmem-apply. Even a static C library reads the environment before main(): glibc
 * parses GLIBC_TUNABLES, which has overflowed in CVE-2023-4911. The environment here belongs to the
 * unit's user, while the process is root. So this code empties each string of it before the C
 * library runs. The array stays, since the kernel's auxiliary vector lies behind it.
 *
 * The build makes this the entry point on the architectures named below.
 */
#if defined(__x86_64__) || defined(__aarch64__) || defined(__arm__) || \
	(defined(__riscv) && __riscv_xlen == 64)

/* Runs before relocations and before any setup: it may use its argument only. */
void dmem_forget_environment(char **stack) __attribute__((used));

/* @stack: argc, the arguments, NULL, the environment, NULL. */
void dmem_forget_environment(char **stack)
{
	char **env = stack + 1 + (unsigned long)*stack + 1;

	for (; *env; env++)
		**env = 0;
}

/* Leaves registers and stack as the kernel has made them. */
asm(".pushsection .text.dmem_start,\"ax\",%progbits\n"
    ".globl dmem_start\n"
    ".type dmem_start,%function\n"
#ifdef __arm__
    ".arm\n"
    ".balign 4\n"
#endif
    "dmem_start:\n"
#if defined(__x86_64__)
    "	mov %rsp, %rbx\n"
    "	mov %rsp, %rdi\n"
    "	and $-16, %rsp\n"
    "	call dmem_forget_environment\n"
    "	mov %rbx, %rsp\n"
    "	xor %edx, %edx\n"
    "	xor %ebx, %ebx\n"
    "	jmp _start\n"
#elif defined(__aarch64__)
    "	mov x19, sp\n"
    "	mov x0, sp\n"
    "	bl dmem_forget_environment\n"
    "	mov sp, x19\n"
    "	mov x0, #0\n"
    "	b _start\n"
#elif defined(__arm__)
    "	mov r4, sp\n"
    "	mov r0, sp\n"
    "	bic sp, sp, #7\n"
    "	bl dmem_forget_environment\n"
    "	mov sp, r4\n"
    "	mov r0, #0\n"
    "	mov r1, #0\n"
    "	mov lr, #0\n"
    "	b _start\n"
#else
    "	mv s1, sp\n"
    "	mv a0, sp\n"
    "	call dmem_forget_environment\n"
    "	mv sp, s1\n"
    "	li a0, 0\n"
    "	tail _start\n"
#endif
    ".size dmem_start, . - dmem_start\n"
    ".popsection\n");

#endif
