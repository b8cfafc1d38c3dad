import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LinkRewriter, rewriteUrl } from './rewrite.ts';

const CHANGE = { prefix: '/p/proxy', hosts: new Set(['10.0.0.1:80', 'localhost:8001']) };

describe('rewriteUrl()', () => {
  for (const [url, wanted] of [
    ['/x', '/p/proxy/x'],
    ['/x/?a=/b#c', '/p/proxy/x/?a=/b#c'],
    ['http://10.0.0.1:80/x', '/p/proxy/x'],
    ['//localhost:8001/x', '/p/proxy/x'],
    ['x/y', 'x/y'],
    ['#top', '#top'],
    ['', ''],
    ['https://example.com/x', 'https://example.com/x'],
    ['//example.com/x', '//example.com/x'],
    ['mailto:a@b', 'mailto:a@b'],
    ['/p/proxy/x', '/p/proxy/x'],
    ['/p/proxyx', '/p/proxy/p/proxyx'],
  ] as const) {
    it(`makes "${wanted}" of "${url}"`, () => assert.equal(rewriteUrl(url, CHANGE), wanted));
  }
});

/** In pieces of every size: a page may be cut anywhere. */
async function rewritten(page: string): Promise<string> {
  const whole = await inPieces(page, page.length);
  for (const size of [1, 2, 3, 7]) assert.equal(await inPieces(page, size), whole);
  return whole;
}

async function inPieces(page: string, size: number): Promise<string> {
  const rewriter = new LinkRewriter(CHANGE);
  const bytes = Buffer.from(page);
  for (let at = 0; at < bytes.length; at += Math.max(1, size)) {
    rewriter.write(bytes.subarray(at, at + Math.max(1, size)));
  }
  rewriter.end();
  const chunks: Buffer[] = [];
  for await (const chunk of rewriter) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe('LinkRewriter', () => {
  for (const [name, page, wanted] of [
    ['a link', '<a class=b href="/x">x</a>', '<a class=b href="/p/proxy/x">x</a>'],
    [
      'quotes of all sorts',
      "<img src='/x'><img src=/y>",
      "<img src='/p/proxy/x'><img src=/p/proxy/y>",
    ],
    ['capitals and lines', '<A\nHREF = "/x" >', '<A\nHREF = "/p/proxy/x" >'],
    ['a > in an attribute', '<a title="a>b" href="/x">', '<a title="a>b" href="/p/proxy/x">'],
    [
      'a script but for its source',
      '<script src="/x">"<a href=/y>"</script><a href=/z>',
      '<script src="/p/proxy/x">"<a href=/y>"</script><a href=/p/proxy/z>',
    ],
    [
      'nothing of a comment',
      '<!-- <a href="/x"> --><a href="/y">',
      '<!-- <a href="/x"> --><a href="/p/proxy/y">',
    ],
    ['nothing of text', 'ä < b <a name="/x">ö &lt;', 'ä < b <a name="/x">ö &lt;'],
    ['nothing of an element that all objects have', '<constructor a="/x">', '<constructor a="/x">'],
    ['nothing of what is not finished', '<a href="/x"', '<a href="/x"'],
  ] as const) {
    it(`changes ${name}`, async () => assert.equal(await rewritten(page), wanted));
  }

  it('keeps no more of what is no tag than a bound', async () => {
    const page = `<a ${'x'.repeat(200_000)}`;
    assert.equal(await inPieces(page, 1_000), page);
  });
});
