// A lock between the processes of one machine. Whoever wants it makes a file that names him, and then looks whether there is
// another's: of two at a time one at least sees the other, so that never both have it. The file of a process that is gone
// counts for nothing.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** When a process began, in ticks since the start of the system: a number of a process can be given again. Null where it
 * is not running; where the system does not tell, every running process counts as the same. */
function startOf(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM')
      return null;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return 'unknown';
  }
}

/** Takes the lock and returns what gives it back; null when another has it, or wants it at the same moment. */
export async function lock(path) {
  const own = `${path}.${process.pid}.${startOf(process.pid)}.${randomUUID()}`;
  await writeFile(own, '', { mode: 0o600, flag: 'wx' });
  let free = false;
  try {
    free = !await isWantedByAnother(path, own);
  } finally {
    if (!free)
      await unlink(own);
  }
  return free ? () => unlink(own) : null;
}

async function isWantedByAnother(path, own) {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const found = name.startsWith(prefix) && /^([1-9]\d*)\.(\w+)\.[0-9a-f-]{36}$/.exec(name.slice(prefix.length));
    if (!found || name === basename(own))
      continue;
    if (startOf(Number(found[1])) === found[2])
      return true;
    await unlink(join(dirname(path), name)).catch(() => {}); // another may have removed it, too
  }
  return false;
}
