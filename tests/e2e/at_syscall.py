# Kills a process as its thread NAME enters or leaves the Nth call of a kind from now on.
#
#     at_syscall.py PID NAME enters|leaves CALL N
#
# Says `armed`, and then `killed`. It exits with 2 if the process may not be traced.
import ctypes, os, platform, signal, struct, sys

CALLS = {
    "x86_64": {"sendmsg": 46, "clone": 56, "wait4": 61, "pipe2": 293},
    "aarch64": {"sendmsg": 211, "clone": 220, "wait4": 260, "pipe2": 59},
}[platform.machine()]
SYSCALL, SEIZE, INTERRUPT, GET_SYSCALL_INFO, TRACESYSGOOD, WALL = 24, 0x4206, 0x4207, 0x420E, 1, 0x40000000
ENTRY, EXIT = 1, 2

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, address=0, data=0):
    result = libc.ptrace(request, thread, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def at_stop():
    """Returns ENTRY or EXIT and the number of the call, which is known at the entry alone."""
    info = ctypes.create_string_buffer(128)
    ptrace(GET_SYSCALL_INFO, len(info), ctypes.addressof(info))
    return info.raw[0], struct.unpack_from("Q", info.raw, 24)[0]


process, name, wanted, call, left = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
names = {}
for task in os.listdir(f"/proc/{process}/task"):
    with open(f"/proc/{process}/task/{task}/comm") as comm:
        names[comm.read().strip()] = int(task)
thread = names[name]
try:
    ptrace(SEIZE, 0, TRACESYSGOOD)
except PermissionError:
    sys.exit(2)
ptrace(INTERRUPT)
os.waitpid(thread, WALL)
print("armed", flush=True)
number, passed_on = None, 0
while True:
    ptrace(SYSCALL, 0, passed_on)
    _, status = os.waitpid(thread, WALL)
    assert os.WIFSTOPPED(status), status
    passed_on = 0
    if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
        # A stop that is no event is for a signal, which it gets.
        passed_on = os.WSTOPSIG(status) if status >> 16 == 0 else 0
        continue
    stop, entered = at_stop()
    if stop == ENTRY:
        number = entered
    if number == CALLS[call] and stop == {"enters": ENTRY, "leaves": EXIT}[wanted]:
        left -= 1
        if left == 0:
            break
os.kill(process, signal.SIGKILL)
print("killed", flush=True)
os.waitpid(thread, WALL)
