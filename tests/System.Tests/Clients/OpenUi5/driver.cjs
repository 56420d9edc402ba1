// Runs the functions of page.js in a browser, one after the other. Environment: SERVICE, the address of the service.
// Standard output: JSON { name: { result or error, requests: [{ line, parts }] } }, where parts are the request lines within a batch.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { chromium } = require('playwright-core');

const service = new URL(process.env.SERVICE);
const library = path.join(__dirname, 'node_modules/@openui5/sap.ui.core/src');
const types = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json', '.css': 'text/css' };
let requests = [];

// One origin for the page, the library and the service, as a reverse proxy has it: the host that the browser names is handed on.
const server = http.createServer((request, response) => {
  if (request.url.startsWith('/odata/')) return hand(request, response);
  const { pathname } = new URL(request.url, 'http://localhost');
  const file = pathname.startsWith('/resources/') ? path.join(library, pathname.slice('/resources'.length)) : path.join(__dirname, pathname);
  fs.readFile(file, (error, content) => response.writeHead(error ? 404 : 200, { 'Content-Type': types[path.extname(file)] ?? 'text/plain' }).end(content));
});

function hand(request, response) {
  const parts = [];
  request.on('data', part => parts.push(part)).on('end', () => {
    const body = Buffer.concat(parts);
    requests.push({ line: decodeURIComponent(`${request.method} ${request.url}`), parts: [...body.toString().matchAll(/^([A-Z]+ .*) HTTP\/1\.1\r$/gm)].map(match => decodeURIComponent(match[1])) });
    const { hostname, port } = service;
    http.request({ hostname, port, path: request.url, method: request.method, headers: request.headers }, answer => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }).on('error', error => response.destroy(error)).end(body);
  });
}

const patience = 600_000;

async function main() {
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const page = await browser.newPage();
  // A busy machine takes its time.
  page.setDefaultTimeout(patience);
  page.on('pageerror', error => console.error(error));
  await page.goto(`http://127.0.0.1:${server.address().port}/page.html`);
  await page.waitForFunction(() => window.scenarios);
  const answers = {};
  for (const name of await page.evaluate(() => Object.keys(window.scenarios))) {
    requests = [];
    answers[name] = await page.evaluate(name => window.scenarios[name]().then(result => ({ result }), error => ({ error: { ...error, message: error.message } })), name);
    answers[name].requests = requests;
  }
  await browser.close();
  server.close();
  process.stdout.write(JSON.stringify(answers));
}

setTimeout(() => {
  console.error(`The browser has not done its work within ${patience / 1000} s.`);
  process.exit(1);
}, patience).unref();

main().catch(error => {
  console.error(error);
  process.exit(1);
});
