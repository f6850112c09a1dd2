// Given to VS Code as its "tests": run() stays pending, so the window stays open, and a test outside has functions evaluated with the
// vscode API. Loopback and a token only.
const fs = require('node:fs');
const http = require('node:http');
const vscode = require('vscode');

exports.run = () => new Promise(resolve => {
  const { ADJOINT_TEST_TOKEN: token, ADJOINT_TEST_PORT_FILE: portFile } = process.env;
  const server = http.createServer(async (request, response) => {
    if (!token || request.headers.authorization !== token) return void response.writeHead(403).end();
    let body = '', answer;
    for await (const chunk of request) body += chunk;
    if (request.url === '/end') {
      response.end();
      server.close();
      return void resolve();
    }
    try {
      const { source, args } = JSON.parse(body);
      answer = { result: await new Function(`return (${source})`)()(vscode, ...args) };
    } catch (error) {
      answer = { error: String((error && error.stack) || error) };
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  // Written under another name first, so that nobody reads half a port number.
  server.listen(0, '127.0.0.1', () => {
    fs.writeFileSync(`${portFile}.new`, String(server.address().port));
    fs.renameSync(`${portFile}.new`, portFile);
  });
});
