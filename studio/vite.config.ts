/** The studio's page, built into the package: `npm run build`. `npx vite studio` serves it beside a running server. */

import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: '../dist/studio', emptyOutDir: true, assetsInlineLimit: 0, target: 'es2022' },
  server: { proxy: { '/v1': 'http://127.0.0.1:3000', '/ready': 'http://127.0.0.1:3000' } },
});
