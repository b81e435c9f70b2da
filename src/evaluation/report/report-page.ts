/** A page that needs no other file. */

import { escapeHtml } from '../../drawing/grounded-html.ts';
import { reportStyle } from './report-style.ts';

/** @param sections HTML; empty ones are left out */
export function pageOf(title: string, sections: readonly string[]): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${reportStyle}</style></head>
<body>${sections.filter(Boolean).join('\n')}</body></html>
`;
}
