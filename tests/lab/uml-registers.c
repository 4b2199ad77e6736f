// SPDX-License-Identifier: GPL-2.0
/*
 * Floating point and vector registers of a guest's processes, for a User-mode Linux kernel: this
 * file takes the place of arch/x86/um/os-Linux/registers.c in Linux 6.1.
 *
 * UML keeps 2696 bytes of such state per thread, which reaches to the end of PKRU, the last
 * component of a processor without AMX.  The host takes a processor's state back only whole
 * (ptrace(2), PTRACE_SETREGSET with NT_X86_XSTATE), and with AMX the whole is 11008 bytes: as it
 * stands, UML 6.1 ends with "ptrace set fp regs failed" in its first process there.  Here the whole
 * goes through a buffer, of which the thread keeps the part that it has room for; what lies beyond
 * (tiles, which nothing in the lab uses) is told to the host as being in its initial state.
 *
 * UML has one processor and does not switch tasks between the lines of these functions: one buffer
 * serves all.
 *
 * Layout of the state: Intel SDM volume 1, chapter 13.4 (XSAVE area) and CPUID leaf 0DH.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <longjmp.h>
#include <registers.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sysdep/ptrace_user.h>

#define KEPT_BYTES (FP_SIZE * sizeof(unsigned long))
#define XSTATE_BV 64 /* word of the state: which components are not in their initial state */

static unsigned long whole[16384 / sizeof(unsigned long)];
static size_t whole_bytes;   /* of this processor; 0 when the host cannot give it */
static unsigned long beyond; /* components that lie outside of what is kept */

int save_i387_registers(int pid, unsigned long *fp_regs)
{
	return ptrace(PTRACE_GETFPREGS, pid, 0, fp_regs) < 0 ? -errno : 0;
}

int restore_i387_registers(int pid, unsigned long *fp_regs)
{
	return ptrace(PTRACE_SETFPREGS, pid, 0, fp_regs) < 0 ? -errno : 0;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

int get_fp_registers(int pid, unsigned long *regs)
{
	struct iovec iov = { whole, sizeof(whole) };

	if (!whole_bytes)
		return save_i387_registers(pid, regs);
	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) < 0)
		return -errno;
	whole[XSTATE_BV] &= ~beyond;
	memcpy(regs, whole, min_size(iov.iov_len, KEPT_BYTES));
	return 0;
}

int put_fp_registers(int pid, unsigned long *regs)
{
	struct iovec iov = { whole, whole_bytes };

	if (!whole_bytes)
		return restore_i387_registers(pid, regs);
	memset(whole, 0, whole_bytes);
	memcpy(whole, regs, min_size(whole_bytes, KEPT_BYTES));
	return ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov) < 0 ? -errno : 0;
}

int save_fp_registers(int pid, unsigned long *fp_regs)
{
	return get_fp_registers(pid, fp_regs);
}

int restore_fp_registers(int pid, unsigned long *fp_regs)
{
	return put_fp_registers(pid, fp_regs);
}

static unsigned long components_beyond(size_t bytes)
{
	unsigned int i, size, offset, c, d;
	unsigned long found = 0;

	for (i = 2; i < 63; i++) {
		if (__get_cpuid_count(0xd, i, &size, &offset, &c, &d) && size &&
		    offset + size > bytes)
			found |= 1UL << i;
	}
	return found;
}

/* Called once at boot with a process of the host that stands still. */
void arch_init_registers(int pid)
{
	struct iovec iov = { whole, sizeof(whole) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) < 0)
		return;
	whole_bytes = iov.iov_len;
	beyond = components_beyond(KEPT_BYTES);
}

unsigned long get_thread_reg(int reg, jmp_buf *buf)
{
	if (reg == HOST_IP)
		return buf[0]->__rip;
	if (reg == HOST_SP)
		return buf[0]->__rsp;
	return reg == HOST_BP ? buf[0]->__rbp : 0;
}
