/** A lock that its owner's death opens: a file with the owner's process id and the time at which that process started. */
import fs from 'node:fs/promises';

/** When a process started, in a form that a later process of the same id does not have; null when there is none. */
async function born(pid) {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20];
  } catch {
    return null;
  }
}

/** Returns what opens it again; throws when a living process holds it. */
export async function lock(file) {
  const mine = `${process.pid} ${await born(process.pid)}`;
  for (;;) {
    try {
      await fs.writeFile(file, mine, { flag: 'wx' });
      return () => fs.rm(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const [pid, birth] = (await fs.readFile(file, 'utf8')).split(' ');
    if (birth && await born(pid) === birth) throw new Error(`${file}: process ${pid} works here`);
    await fs.rm(file, { force: true });
  }
}
