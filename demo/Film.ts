/**
 * Pictures of the demo as one animated SVG, for a page that is read in light or in dark: no script, no font and no
 * image from elsewhere. Where nothing may move, the last picture stands.
 *
 * @since 0.1.0
 */
import * as Text from "../src/agent/demo/Text.ts"

export interface Frame {
  /** Milliseconds since the first one was taken. */
  readonly at: number
  readonly rows: ReadonlyArray<Text.Row>
}

export interface Film {
  readonly title: string
  /** What happened, for those who cannot see it. */
  readonly description: string
  /** The command line above the picture. */
  readonly command: string
  readonly columns: number
  readonly frames: ReadonlyArray<Frame>
  /** How long the last picture stays, in milliseconds. */
  readonly rest: number
}

/** Pixels of one column and one row. */
const COLUMN = 8.4
const ROW = 19
const BASELINE = 14
const MARGIN = 14

const classes: Readonly<Record<Text.Style, string>> = {
  plain: "p",
  bold: "b",
  dim: "d",
  good: "g",
  warning: "w",
  bad: "x",
  accent: "a"
}

/** Readable on their own background, which is part of the image. */
const palette = {
  light: {
    background: "#ffffff",
    line: "#d1d9e0",
    p: "#1f2328",
    d: "#59636e",
    g: "#1a7f37",
    w: "#9a6700",
    x: "#cf222e",
    a: "#0969da"
  },
  dark: {
    background: "#0d1117",
    line: "#3d444d",
    p: "#e6edf3",
    d: "#9198a1",
    g: "#3fb950",
    w: "#d29922",
    x: "#ff7b72",
    a: "#58a6ff"
  }
}

const rules = ({ background, line, ...colours }: typeof palette.light): string =>
  [
    `.f{fill:${background};stroke:${line}}`,
    `.b{fill:${colours.p}}`,
    ...Object.entries(colours).map(([name, colour]) => `.${name}{fill:${colour}}`)
  ].join("")

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const pixels = (n: number): string => String(Math.round(n * 10) / 10)

/**
 * Each run of words by itself, where it belongs and as wide as it is in a terminal, whatever the font of the reader
 * is.
 */
const drawn = (row: Text.Row): string => {
  let column = 0
  return row.flatMap(({ style, text }) => {
    const start = column
    column += Text.width(text)
    return [...text.matchAll(/\S+(?: \S+)*/g)].map(({ 0: words, index }) => {
      const x = pixels((start + Text.width(text.slice(0, index))) * COLUMN)
      const length = pixels(Text.width(words) * COLUMN)
      return `<text class="${classes[style]}" x="${x}" textLength="${length}">${escaped(words)}</text>`
    })
  }).join("")
}

/** Pictures that are the same are one, that lasts longer. */
const distinct = (
  frames: ReadonlyArray<Frame>
): ReadonlyArray<{ readonly at: number; readonly rows: ReadonlyArray<string> }> =>
  frames.map(({ at, rows }) => ({ at, rows: rows.map(drawn) }))
    .filter(({ rows }, i, all) => i === 0 || rows.join("\n") !== all[i - 1]?.rows.join("\n"))

export const svg = ({ columns, command, description, frames, rest, title }: Film): string => {
  const pictures = distinct(frames)
  const height = Math.max(0, ...pictures.map(({ rows }) => rows.length)) * ROW
  const total = (frames.at(-1)?.at ?? 0) + rest
  const [width, top] = [columns * COLUMN, MARGIN + ROW * 1.5]
  /** Every row that is drawn anywhere, once. */
  const ids = new Map<string, number>()
  for (const content of pictures.flatMap(({ rows }) => rows)) {
    if (content !== "" && !ids.has(content)) ids.set(content, ids.size)
  }
  const strip = pictures.map(({ rows }, i) =>
    rows.map((content, row) =>
      content === "" ? "" : `<use href="#r${ids.get(content)}" y="${i * height + row * ROW + BASELINE}"/>`
    ).join("")
  )
  const steps = pictures.map(({ at }, i) =>
    `${i === 0 ? 0 : Math.round(at / total * 1e5) / 1e3}%{transform:translateY(${-i * height}px)}`
  )
  const end = `translateY(${-Math.max(0, pictures.length - 1) * height}px)`
  const [outerWidth, outerHeight] = [pixels(width + 2 * MARGIN), pixels(top + height + MARGIN)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${outerWidth} ${outerHeight}" width="${outerWidth}" height="${outerHeight}" role="img" aria-labelledby="t d">`,
    `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(description)}</desc>`,
    "<style>",
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",\"Liberation Mono\",monospace}.b{font-weight:bold}",
    rules(palette.light),
    `@media(prefers-color-scheme:dark){${rules(palette.dark)}}`,
    `.film{transform:${end};animation:film ${total}ms step-end infinite}`,
    `@keyframes film{${steps.join("")}100%{transform:${end}}}`,
    "@media(prefers-reduced-motion:reduce){.film{animation:none}}",
    "</style>",
    `<rect class="f" x=".5" y=".5" width="${pixels(width + 2 * MARGIN - 1)}" height="${
      pixels(top + height + MARGIN - 1)
    }" rx="8"/>`,
    "<defs>",
    ...Array.from(ids, ([content, id]) => `<g id="r${id}">${content}</g>`),
    "</defs>",
    `<g transform="translate(${MARGIN} ${MARGIN + BASELINE})">${
      drawn([Text.span("$ ", "dim"), Text.span(command)])
    }</g>`,
    `<svg x="${MARGIN}" y="${pixels(top)}" width="${pixels(width)}" height="${height}"><g class="film">`,
    ...strip,
    "</g></svg>",
    "</svg>",
    ""
  ].join("\n")
}
