#!/usr/bin/python3
"""Stops one thread of another process, as if it hung, until that process ends. usage: hold_thread.py TID

The kernel has no signal that stops one thread alone; whoever traces it can. Prints a line when it stands still.
"""
import ctypes
import os
import sys

SEIZE, INTERRUPT = 0x4206, 0x4207     # sys/ptrace.h
ANY_THREAD = 0x40000000               # __WALL


def main():
    libc, tid = ctypes.CDLL(None, use_errno=True), int(sys.argv[1])
    for request in (SEIZE, INTERRUPT):
        if libc.ptrace(request, tid, None, None) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
    while True:
        _, status = os.waitpid(tid, ANY_THREAD)
        if not os.WIFSTOPPED(status):
            return
        print("stopped", flush=True)


if __name__ == "__main__":
    main()
