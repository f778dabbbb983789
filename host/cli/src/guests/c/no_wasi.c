/* Takes the place of the system calls that wasi-libc imports from WASI, which no policy is given. A call that would reach outside
 * fails with ENOSYS; what ends the program is a trap. A call that is missing here stays an import, which `provost plugin build`
 * then refuses by its name. */
#include <stdint.h>

#define ENOSYS 52
#define CALL(name) int32_t __imported_wasi_snapshot_preview1_##name

CALL(environ_get)(int32_t list, int32_t text) { (void)list, (void)text; return ENOSYS; }
CALL(environ_sizes_get)(int32_t count, int32_t bytes) { (void)count, (void)bytes; return ENOSYS; }
CALL(fd_close)(int32_t fd) { (void)fd; return ENOSYS; }
CALL(fd_fdstat_get)(int32_t fd, int32_t stat) { (void)fd, (void)stat; return ENOSYS; }
CALL(fd_read)(int32_t fd, int32_t list, int32_t count, int32_t read) { (void)fd, (void)list, (void)count, (void)read; return ENOSYS; }
CALL(fd_seek)(int32_t fd, int64_t by, int32_t from, int32_t at) { (void)fd, (void)by, (void)from, (void)at; return ENOSYS; }
CALL(fd_write)(int32_t fd, int32_t list, int32_t count, int32_t written) { (void)fd, (void)list, (void)count, (void)written; return ENOSYS; }
_Noreturn void __imported_wasi_snapshot_preview1_proc_exit(int32_t code) { (void)code; __builtin_trap(); }
