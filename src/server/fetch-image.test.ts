import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FetchImageOptions, fetchImage, type Resolve } from './fetch-image.ts';
import { dataBytes, imageBytes } from './image-source.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/server/${name}`, import.meta.url));
const maxBytes = 1000;

describe('addresses that lead into the network', () => {
  it.each([
    'https://127.0.0.1/x.png',
    'https://127.1/x.png',
    'https://2130706433/x.png',
    'https://0x7f000001/x.png',
    'https://0x7f.0.0.1/x.png',
    'https://0177.0.0.1/x.png',
    'https://0/x.png',
    'https://10.1.2.3/x.png',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/x.png',
    'https://[::]/x.png',
    'https://[::ffff:127.0.0.1]/x.png',
    'https://[::ffff:a9fe:a9fe]/x.png',
    'https://[64:ff9b::7f00:1]/x.png',
    'https://[fd00:ec2::254]/x.png',
    'https://[fe80::1]/x.png',
    'https://１２７.0.0.1/x.png',
    'https://127。0。0。1/x.png',
  ])('%s is refused', async (url) => {
    await expect(fetchImage(url, 'image', { maxBytes })).rejects.toThrow(/not a public one/);
  });

  it.each(['localhost', 'localhost.', 'images.example', 'metadata.google.internal'])(
    '%s is refused when it resolves to a private address',
    async (host) => {
      const resolve: Resolve = async () => [
        { address: '93.184.216.34', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ];
      await expect(fetchImage(`https://${host}/`, 'image', { maxBytes, resolve })).rejects.toThrow(/not a public one/);
    },
  );

  it.each([
    ['http://93.184.216.34/x.png', /expected an https: address/],
    ['file:///etc/passwd', /came file:/],
    ['ftp://example.com/x', /came ftp:/],
    ['gopher://example.com/x', /came gopher:/],
    ['/etc/passwd', /came something else/],
    ['', /came something else/],
    ['https://', /malformed/],
    ['https://user:secret@example.com/', /name or password/],
    ['https://example.com:22/', /names a port/],
    [`https://example.com/${'a'.repeat(5000)}`, /4096 characters/],
  ])('%s is refused', async (url, message) => {
    await expect(imageBytes(url, 'image', { maxBytes })).rejects.toThrow(message);
  });
});

describe('a server on the web', () => {
  let server: Server;
  let port: number;
  let asked: string[];
  let resolved: string[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let options: FetchImageOptions & { maxBytes: number };
  beforeAll(async () => {
    server = createServer(
      { key: fixture('images.example.key'), cert: fixture('images.example.crt') },
      (request, response) => {
        asked.push(request.url ?? '');
        answer(request, response);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    asked = [];
    resolved = [];
    const known: Record<string, string> = { 'images.example': '127.0.0.1', 'other.example': '127.0.0.1' };
    options = {
      maxBytes,
      port,
      ca: fixture('images.example.crt').toString(),
      isAllowed: (address) => address === '127.0.0.1',
      resolve: async (host) => {
        resolved.push(host);
        return [{ address: known[host] ?? '10.0.0.1', family: 4 }];
      },
    };
  });
  const at = (path: string, host = 'images.example') => `https://${host}:${port}${path}`;

  it('gives the image, by the address that was checked', async () => {
    answer = (request, response) => response.end(`for ${request.headers.host}`);
    const bytes = await fetchImage(at('/a.png'), 'image', options);
    expect(Buffer.from(bytes).toString()).toBe(`for images.example:${port}`);
    expect(resolved).toEqual(['images.example']);
  });

  it('is asked once for its address: a second answer would not be heard', async () => {
    answer = (_, response) => response.end('ok');
    let count = 0;
    const resolve: Resolve = async () => [{ address: count++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
    await fetchImage(at('/'), 'image', { ...options, resolve });
    expect(count).toBe(1);
  });

  it('may redirect to a public address', async () => {
    answer = (request, response) =>
      request.url === '/a' ? response.writeHead(302, { location: at('/b', 'other.example') }).end() : response.end('b');
    expect(Buffer.from(await fetchImage(at('/a'), 'image', options)).toString()).toBe('b');
    expect(resolved).toEqual(['images.example', 'other.example']);
  });

  it.each([
    ['https://internal.example/', /names a port|not a public/],
    ['https://169.254.169.254/', /names a port|not a public/],
    ['http://images.example/', /expected an https/],
    ['file:///etc/passwd', /expected an https/],
  ])('may not redirect to %s', async (location, message) => {
    answer = (_, response) => response.writeHead(302, { location }).end();
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(message);
    expect(asked.length).toBe(1);
  });

  it('may not redirect to a name inside', async () => {
    answer = (_, response) => response.writeHead(307, { location: at('/secret', 'inside.example') }).end();
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/not a public one/);
    expect(asked).toEqual(['/']);
  });

  it('may not redirect forever', async () => {
    answer = (_, response) => response.writeHead(302, { location: '/' }).end();
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/more than 3 times/);
    expect(asked.length).toBe(4);
  });

  it('may not send too much, whether it says so or not', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-length': '2000' }).end(Buffer.alloc(2000));
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/more than the 1000 bytes/);
    answer = (_, response) => {
      for (let i = 0; i < 20; i++) response.write(Buffer.alloc(100));
      response.end();
    };
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/more than the 1000 bytes/);
  });

  it('may not break off, be late, compress or fail', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '500' });
      response.write('half', () => response.destroy());
    };
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/cannot be fetched/);
    answer = () => {};
    await expect(fetchImage(at('/'), 'image', { ...options, timeoutMs: 100 })).rejects.toThrow(/too long/);
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/compressed/);
    answer = (_, response) => response.writeHead(500).end('secret');
    await expect(fetchImage(at('/'), 'image', options)).rejects.toThrow(/status 500/);
  });

  it('must have a certificate of its name, and its failure says nothing of the network', async () => {
    answer = (_, response) => response.end('ok');
    const failure = fetchImage(at('/'), 'image', { ...options, ca: undefined });
    await expect(failure).rejects.toThrow(/^image: the image cannot be fetched: it cannot be reached$/);
    const resolve: Resolve = () => Promise.reject(new Error('ENOTFOUND 10.0.0.53'));
    await expect(fetchImage(at('/'), 'image', { ...options, resolve })).rejects.toThrow(/cannot be reached$/);
  });
});

describe('data: addresses', () => {
  const png = `data:image/png;base64,${Buffer.from('hello').toString('base64')}`;
  it('are decoded', () => {
    expect(Buffer.from(dataBytes(png, 'image', 10)).toString()).toBe('hello');
    expect(Buffer.from(dataBytes(png.replace('image/png', ''), 'image', 10)).toString()).toBe('hello');
  });
  it.each([
    ['data:text/html;base64,aGVsbG8=', /another data: URL/],
    ['data:image/png,hello', /another data: URL/],
    ['data:image/png;base64', /another data: URL/],
    ['data:image/png;base64,', /no bytes/],
    ['data:image/png;base64,aGV*bG8=', /not of base64/],
    ['data:image/png;base64,aGVsbG8gd29ybGQ=', /more than the 10 bytes/],
  ])('%s is refused', (url, message) => expect(() => dataBytes(url, 'image', 10)).toThrow(message));
});
