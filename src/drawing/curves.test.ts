import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { drawCurves, type Series } from './curves.ts';
import { renderSvg } from './encode.ts';

const line = (name: string, ys: number[]): Series => ({ name, points: ys.map((y, x) => [x, y] as const) });
/** The stroked paths of curves: everything with round joins. */
const curves = (svg: string) => [...svg.matchAll(/<path d="([^"]*)" fill="none" stroke="(#\w+)" stroke-linejoin/g)];

describe('drawCurves', () => {
  it('puts points where their values say, falling losses falling', () => {
    const [[, path]] = curves(drawCurves([line('loss', [10, 5, 0])]));
    const places = [...path.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(places.map(([x]) => x)).toEqual([84, 510, 936]);
    const [[, top], [, middle], [, bottom]] = places;
    expect(bottom).toBe(482);
    expect(middle).toBeCloseTo((top + bottom) / 2, 1);
  });

  it('spaces powers of ten evenly on a logarithmic axis', () => {
    const [[, path]] = curves(drawCurves([line('loss', [100, 10, 1])], { yScale: 'log' }));
    const heights = [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
    expect(heights[1] - heights[0]).toBeCloseTo(heights[2] - heights[1], 0);
  });

  it('leaves a gap where there is no number, and where a logarithm has none', () => {
    const moves = (svg: string) => curves(svg)[0][1].match(/M/g)?.length;
    expect(moves(drawCurves([line('a', [3, 2, Number.NaN, 2, 1])]))).toBe(2);
    expect(moves(drawCurves([line('a', [3, 2, 0, 2, -1, 1])], { yScale: 'log' }))).toBe(3);
  });

  it('smooths a long noisy series and keeps the file small', () => {
    const noisy = Array.from({ length: 50_000 }, (_, at) => 5 + Math.sin(at * 12.9898) * 2);
    const svg = drawCurves([line('loss', noisy)]);
    expect(svg.length).toBeLessThan(150_000);
    const [raw, smooth] = curves(svg);
    const spread = (path: string) => {
      const heights = [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
      return Math.max(...heights) - Math.min(...heights);
    };
    expect(spread(raw[1])).toBeGreaterThan(200);
    expect(spread(smooth[1])).toBeLessThan(20);
  });

  it('draws one point, one value, huge and tiny values', () => {
    for (const ys of [[0.3], [2, 2, 2], [1e9, 2e9], [1e-9, 3e-9], [-5, 5], [0, 0]]) {
      expect(drawCurves([line('a', ys)])).not.toMatch(/NaN|Infinity/);
    }
    for (const ys of [[0.3], [2, 2], [1e-9, 1e9], [7, 7.001]]) {
      expect(drawCurves([line('a', ys)], { yScale: 'log' })).not.toMatch(/NaN|Infinity/);
    }
  });

  it('refuses to draw nothing', () => {
    expect(() => drawCurves([])).toThrow(/No point to draw in 0 series/);
    expect(() => drawCurves([line('a', [-1])], { yScale: 'log' })).toThrow(/No point to draw in 1 series/);
  });

  it('renders with names of any text, every series in its own colour', async () => {
    const svg = drawCurves([line('a <b> & "c"', [3, 2, 1]), line('b', [1, 2, 3])], {
      title: 'T',
      xLabel: 'step',
      yLabel: 'loss',
    });
    const colours = curves(svg).map(([, , colour]) => colour);
    expect(new Set(colours).size).toBe(2);
    const { data, info } = await sharp(await renderSvg(svg))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([960, 540]);
    for (const colour of colours) {
      const wanted = Buffer.from(colour.slice(1), 'hex');
      let found = 0;
      for (let at = 0; at < data.length; at += info.channels) if (data.subarray(at, at + 3).equals(wanted)) found++;
      expect(found).toBeGreaterThan(500);
    }
  });
});
