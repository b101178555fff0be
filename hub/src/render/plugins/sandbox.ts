/** A root of its own for a child that runs programs of this machine: what it sees, and what it may write. */
export interface Sandbox {
  /** A workspace; what is in it is copied, so that what is written is gone with the child. */
  workspace: string;
  /** What else it sees, and cannot write: absolute paths on the disk, and in the sandbox. */
  shown: readonly { from: string; at: string }[];
  /** All that it may hold on disk, what was copied included. */
  bytes: number;
}

/** Processes and threads at a time; more than that end the run when they last until the next look, a fifth of a second later. */
export const sandboxTasks = 256;
/** As many as the kernel itself lets there be: what a fork bomb comes to before it is noticed. */
const mostTasks = 2 * sandboxTasks;

/** A process group is not enough for programs that leave it: all end with the first process of their own number space. */
export const namespaces = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL'];

/**
 * Who makes the sandbox: the user of the hub, with rights in a user namespace only; or root of the machine, who leaves it as nobody,
 * in a user namespace or, where there is none to be had, without.
 */
export type SandboxMaker = 'user' | 'root' | 'bare-root';

/** Arguments of /bin/sh inside the namespaces; the command line of the child follows. */
export function sandboxArguments({ workspace, shown, bytes }: Sandbox, cwd: string, maker: SandboxMaker): string[] {
  const pairs = shown.flatMap(({ from, at }) => [from, at]);
  return ['-c', script, 'sandbox', workspace, String(bytes), cwd, maker, ...pairs, '--'];
}

/** Kernel: overflowuid, which owns nothing. */
const nobody = 65_534;

/**
 * A root on tmpfs, with the machine's programs and libraries bound read-only and nothing of /home, /root, /data or /run. The
 * old root is unmounted rather than left (a process with all rights of its user namespace leaves a chroot), and every
 * capability is dropped before the child's own line. Linux counts processes for each user of a user namespace, and never
 * those of root, so that root becomes nobody and makes a user namespace then; becoming somebody else ends the tie to the parent,
 * which is made again.
 */
const script = `
set -e
given=$PATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
workspace=$1 bytes=$2 cwd=$3 maker=$4
shift 4
cd "$workspace"
mkdir new
mount -t tmpfs -o "size=$bytes,mode=755,nosuid,nodev" none new
cp -a repository home new/
cd new
mkdir dev proc etc tmp old
chmod 1777 tmp
if [ "$maker" != user ]; then chown -R ${nobody}:${nobody} .; fi
show() {
  if [ -L "$1" ]; then cp -P "$1" ".$2"; return; fi
  mkdir -p "$(dirname ".$2")"
  if [ -d "$1" ]; then mkdir -p ".$2"; else : > ".$2"; fi
  mount --rbind "$1" ".$2"
  mount -o remount,bind,ro ".$2" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev ".$2" 2>/dev/null ||
    mount -o remount,bind,ro,nosuid,nodev,noexec ".$2"
}
for path in /usr /bin /sbin /lib /lib32 /lib64 /libx32 /etc/alternatives /etc/ld.so.cache; do
  if [ -e "$path" ]; then show "$path" "$path"; fi
done
while [ "$1" != -- ]; do show "$1" "$2"; shift 2; done
shift
for name in null zero urandom; do : > "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
mount -t proc -o ro,nosuid,nodev,noexec proc proc
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
pivot_root . old
cd /
umount -l /old
rmdir /old
cd "$cwd"
PATH=$given
unset OLDPWD
set -- /usr/bin/setpriv --pdeathsig KILL --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all /usr/bin/prlimit --nproc=${mostTasks} "$@"
if [ "$maker" = root ]; then set -- /usr/bin/unshare --user "$@"; fi
if [ "$maker" != user ]; then set -- /usr/bin/setpriv --reuid=${nobody} --regid=${nobody} --clear-groups "$@"; fi
exec "$@"
`;
