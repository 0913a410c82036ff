// A front end as somebody writes it in TypeScript; what is marked must not be accepted.
import { Decisions, FileOutbox, FilePlace, Front, Key, ModqdError, Push, RetryError, SqlPlace } from 'modqd';
import type { Comment, DecisionEvent, Outbox, Place, Position, SubmitFailure } from 'modqd';

const key: Key = Key.load('front.key');
const front = new Front('ipc:///run/modqd/front.sock', { key, timeout: 3000, attempt: 1000 });
const comment: Comment = { site: 'news', comment: '1', body: 'text', author: { address_hash: new Uint8Array(16) } };

export async function handIn(outbox: Outbox): Promise<string> {
  try {
    const { status, state } = await front.submit(comment, { traceparent: '00-...' });
    return state === 'pending' ? status : state;
  } catch (error) {
    if (error instanceof RetryError)
      await outbox.keep('submit', { comment });
    return error instanceof ModqdError ? `${error.name} ${error.number} ${error.field ?? ''} ${error.details.max}` : 'unknown';
  }
}

export async function failures(comments: Comment[]): Promise<SubmitFailure[]> {
  const results = await front.submitMany(comments);
  return results.flatMap((result) => (result.error ? [result] : []));
}

const memory = new Map<string, Position>();
const place: Place = {
  load: (site) => memory.get(site),
  save: (site, position) => { memory.set(site, position); },
};

export async function follow(signal: AbortSignal): Promise<void> {
  const decisions = new Decisions(null, 'news', { key, place, giveUp: 60000, listener: 'web-1', signal });
  for await (const event of decisions) {
    if (event.type === 'record') {
      const shown: boolean = event.record.decision === 'approved';
      const chain: Uint8Array | null = event.position.chain;
      console.log(event.record.comment, shown, chain);
      await decisions.recorded();
    } else if (event.type === 'failed') {
      throw event.error;
    }
  }
  const none: DecisionEvent | null = await decisions.next(100);
  console.log(none, decisions.position.seq);
}

declare const client: { query(sql: string, values: unknown[]): Promise<{ rows: object[] }> };

export async function own(): Promise<Position | null> {
  const sql = new SqlPlace(async (text, values) => (await client.query(text, values)).rows, { style: '$1', table: 'app.place' });
  await sql.create();
  await new Decisions(null, 'news', { key, place: sql }).run(() => {});
  await sql.forget('news');
  return sql.load('news');
}

export async function rest(): Promise<number> {
  await new Decisions('ipc://x', 'news', { place: new FilePlace('news.place') }).run(async (record) => record.seq);
  const outbox = new FileOutbox('outbox');
  await outbox.keep('withdraw', { site: 'news', comment: '1' });
  const again: number = await outbox.retryRefused();
  const { sent, left, refused } = await outbox.flush(front, { timeout: 1000 });
  const [status] = await front.status('news', ['1']);
  if (status && !status.error)
    console.log(status.decided_at);
  const { reports } = await front.report('news', '1', 'reader', { reason: 'abuse', at: Date.now() });
  await front.article('news', { id: '7' }, { closed: true });
  front.close();
  const push = new Push('ipc://y');
  await push.submit(comment);
  return sent + left + refused.length + reports + await push.close(1000);
}

// @ts-expect-error a comment has a body
const noBody: Comment = { site: 'news', comment: '1' };
// @ts-expect-error of submit the event is in `comment`
export const wrongFields = new FileOutbox('outbox').keep('submit', comment);
// @ts-expect-error a place must load
export const noLoad = new Decisions('ipc://x', 'news', { place: { save() {} } });
// @ts-expect-error a style is one of two
export const noStyle = new SqlPlace(() => [], { style: ':1' });
// @ts-expect-error keys are read from a file
export const noFile = new Key();
export { noBody };
