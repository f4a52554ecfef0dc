// A peer: the server of `ws` on Node, which tells everyone what anyone says. It prints its port.
// As its documentation has it: a loop of `send` over the open clients, with the bytes as they came.
'use strict';

const { WebSocketServer, WebSocket } = require(process.argv[2]);

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(server.address().port);
});

server.on('connection', (connection) => {
  connection.on('message', (data, isBinary) => {
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
});
