/** Tables with tabs or commas between the fields, quoted as pandas and Excel quote them. */

import { ChatRexError } from '../../errors.ts';

/**
 * Records of a table with a header line. An empty field is left out of its record, as pandas reads it as missing.
 * @param separator one character
 * @throws ChatRexError 'invalid-file' for a quote that is never closed or a row with more fields than the header.
 */
export function parseTable(text: string, separator: string, path: string): Record<string, string>[] {
  const rows = [...tableRows(text, separator, path)];
  const [header, ...body] = rows;
  if (!header) throw new ChatRexError('invalid-file', `${path}: expected a header line, came an empty file`);
  return body.map((fields, i) => {
    if (fields.length > header.length) {
      const message = `row ${i + 1}: expected ${header.length} fields (${header.join(', ')}), came ${fields.length}`;
      throw new ChatRexError('invalid-file', `${path}: ${message}`);
    }
    const record: Record<string, string> = {};
    header.forEach((name, at) => {
      if (fields[at] !== undefined && fields[at] !== '') record[name] = fields[at];
    });
    return record;
  });
}

function* tableRows(text: string, separator: string, path: string): Generator<string[]> {
  let fields: string[] = [];
  for (let at = 0; at < text.length; ) {
    const { field, next } = text[at] === '"' ? quotedField(text, at, path) : bareField(text, at, separator);
    fields.push(field);
    at = next;
    if (text[at] === separator) {
      at++;
      if (at < text.length && text[at] !== '\n' && text[at] !== '\r') continue;
      fields.push('');
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    if (fields.length > 1 || fields[0] !== '') yield fields;
    fields = [];
  }
}

function bareField(text: string, start: number, separator: string): { field: string; next: number } {
  let next = start;
  while (next < text.length && text[next] !== separator && text[next] !== '\n' && text[next] !== '\r') next++;
  return { field: text.slice(start, next), next };
}

function quotedField(text: string, start: number, path: string): { field: string; next: number } {
  let field = '';
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0) {
      const line = text.slice(0, start).split('\n').length;
      throw new ChatRexError(
        'invalid-file',
        `${path}: line ${line}: expected a closing quote, came the end of the file`,
      );
    }
    field += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { field, next: quote + 1 };
    field += '"';
    from = quote + 2;
  }
}
