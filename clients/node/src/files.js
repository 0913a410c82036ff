// Files that outlive a crash.
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes what was done to a file's name durable. */
export async function syncDirectory(path) {
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Puts `text` in the place of what a file holds, so that after a crash it holds the one or the other. */
export async function replaceFile(path, text) {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
  await syncDirectory(path);
}

/** The text of a file, or null when there is none. */
export async function readIfThere(path) {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT')
      return null;
    throw error;
  }
}
