/**
 * A file of changes, one JSON object a line. A change counts when its line is on disk; whatever was not on disk when the
 * program ended, even by kill -9 or a power cut, has not happened.
 */
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

const NEWLINE = 10;

async function syncDirectory(file) {
  const directory = await fs.open(path.dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Parses the lines of a file. Only its end may be broken: a last line without its end was never acknowledged, and a power cut
 * can leave blocks of the last write out. Anything else is damage, and going on would lose what follows it.
 * Returns the changes, and how many bytes they take.
 */
function parse(bytes, file) {
  const changes = [];
  let whole = 0;
  let broken = null;
  for (let from = 0, end; (end = bytes.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
    const change = parseLine(bytes.subarray(from, end));
    if (change && broken !== null) throw new Error(`${file}: damaged at byte ${broken}, and more follows it`);
    if (change) {
      changes.push(change);
      whole = end + 1;
    } else {
      broken ??= from;
    }
  }
  return { changes, whole };
}

function parseLine(bytes) {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

export class Journal {
  #file;
  #handle;
  #size = 0;
  #waiting = [];
  #writing = null;
  #failed = null;

  /** `failed` is called when the file can no longer be trusted. The program should end, and read it again. */
  constructor(file, failed) {
    this.#file = file;
    this.failed = failed;
  }

  /** Opens the file, made anew when there is none, and returns the changes in it, oldest first. */
  async open() {
    this.#handle = await fs.open(this.#file, constants.O_RDWR | constants.O_CREAT, 0o600);
    await syncDirectory(this.#file);
    try {
      const { changes, whole } = parse(await this.#handle.readFile(), this.#file);
      await this.#handle.truncate(whole);
      await this.#handle.sync();
      this.#size = whole;
      return changes;
    } catch (error) {
      await this.#handle.close();
      throw error;
    }
  }

  /**
   * Appends a change. `applied` is called with it once it is on disk, in the order of the calls of append; what it returns
   * is what append resolves to. Rejects, and has done nothing, when there is no room. Changes that arrive while others are
   * being written share the next write.
   */
  append(change, applied) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(change)}\n`, change, applied, resolve, reject });
      this.#write();
    });
  }

  /** Runs `work` while nothing is being written, and resolves or rejects as it does. */
  async quietly(work) {
    while (this.#writing) await this.#writing;
    const done = work();
    this.#occupy(done.catch(() => {}));
    return done;
  }

  /**
   * Puts `changes` in the place of everything in the file: either all of it is replaced, or nothing. Where only the
   * directory cannot be synced nobody knows which, and the file is no longer trusted.
   */
  async replace(changes) {
    const text = changes.map((change) => `${JSON.stringify(change)}\n`).join('');
    const fresh = `${this.#file}.new`;
    const handle = await fs.open(fresh, 'w+', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
      await fs.rename(fresh, this.#file);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await this.#handle.close();
    this.#handle = handle;
    this.#size = Buffer.byteLength(text);
    await this.#trusted(() => syncDirectory(this.#file));
  }

  /** Waits for what is under way, and closes the file. */
  async close() {
    while (this.#writing) await this.#writing;
    this.#failed ??= new Error('the journal is closed');
    await this.#handle.close();
  }

  #write() {
    if (this.#writing || this.#waiting.length === 0) return;
    this.#occupy(this.#writeBatch(this.#waiting.splice(0)));
  }

  /** Nothing else is written until `work`, which never rejects, has ended. */
  #occupy(work) {
    this.#writing = work.then(() => {
      this.#writing = null;
      this.#write();
    });
  }

  async #writeBatch(batch) {
    try {
      if (this.#failed) throw this.#failed;
      await this.#put(Buffer.from(batch.map((entry) => entry.line).join('')));
    } catch (error) {
      for (const entry of batch) entry.reject(error);
      return;
    }
    for (const { change, applied, resolve, reject } of batch) {
      try {
        resolve(applied(change));
      } catch (error) {
        reject(error);
      }
    }
  }

  async #put(bytes) {
    try {
      for (let written = 0; written < bytes.length;) {
        const done = await this.#handle.write(bytes, written, bytes.length - written, this.#size + written);
        written += done.bytesWritten;
      }
    } catch (error) {
      await this.#handle.truncate(this.#size);
      throw error;
    }
    await this.#trusted(() => this.#handle.datasync());
    this.#size += bytes.length;
  }

  /** After a failed sync nobody knows what is on disk. Only reading it again after a restart tells. */
  async #trusted(sync) {
    try {
      await sync();
    } catch (error) {
      this.#failed = error;
      this.failed(error);
      throw error;
    }
  }
}
