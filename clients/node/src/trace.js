// W3C Trace Context: the header `traceparent` travels with a comment, and stands on its card at the desk.
import { encode, isMap } from './wire.js';

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const LONGEST = 512;

/** Whether a header is well-formed; one that is not is ignored, as the recommendation says. */
export function isTraceparent(header) {
  if (typeof header !== 'string' || header.length > LONGEST)
    return false;
  const found = TRACEPARENT.exec(header);
  return found !== null && (found[1] !== '00' || found[2] === undefined);
}

/** The comment with the header in `extra.traceparent`. One that is there stays; where there is no room, none is put: a
 * comment is not refused for the sake of its trace. */
export function withTrace(comment, header, extraBytes) {
  if (!isMap(comment) || !isTraceparent(header))
    return comment;
  const extra = comment.extra ?? {};
  if (!isMap(extra) || extra.traceparent !== undefined)
    return comment;
  const traced = { ...extra, traceparent: header };
  return encode(traced).length > extraBytes ? comment : { ...comment, extra: traced };
}
