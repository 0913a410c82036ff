// A lock between processes: a file that names its owner. Where the owner is gone, the lock is, too.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';

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

async function ownerIsAlive(path) {
  const [pid, start] = (await readFile(path, 'latin1')).split(' ');
  return /^[1-9]\d*$/.test(pid) && startOf(Number(pid)) === start;
}

/** Takes the lock and returns what gives it back; null when another has it. */
export async function lock(path) {
  const mark = `${process.pid} ${startOf(process.pid)} ${randomUUID()}`;
  const own = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(own, mark, { mode: 0o600 });
  try {
    if (!await take(own, path, mark))
      return null;
  } finally {
    await unlink(own).catch(() => {});
  }
  return () => unlink(path);
}

async function take(own, path, mark) {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST')
      throw error;
  }
  try {
    if (await ownerIsAlive(path))
      return false;
  } catch (error) {
    if (error.code === 'ENOENT')
      return false; // given back just now: the next attempt gets it
    throw error;
  }
  await rename(own, path);
  return await readFile(path, 'latin1') === mark;
}
