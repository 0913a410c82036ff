// A web server that hands in comments: it answers when the comment is on the daemon's disk.
// usage: node front_ends.mjs ENDPOINT; its port is told on standard output
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Front } from '../../clients/node/index.js';

const front = new Front(process.argv[2]);

const server = createServer(async (request, response) => {
  try {
    const result = await front.submit(JSON.parse(await text(request)));
    response.end(result.status);
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
