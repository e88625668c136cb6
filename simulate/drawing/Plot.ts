/** Line charts as SVG, small enough to be read in a diff. */

export interface Point {
  readonly x: number
  readonly y: number
  /** The ends of an error bar. */
  readonly low?: number | undefined
  readonly high?: number | undefined
}

export interface Series {
  readonly name: string
  readonly points: ReadonlyArray<Point>
  /** Theory and other people's numbers are dashed. */
  readonly dashed?: boolean | undefined
  /** Series of one colour belong together; default: each has its own. */
  readonly colour?: number | undefined
  /** Points alone, without a line through them. */
  readonly scattered?: boolean | undefined
}

export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly logX?: boolean | undefined
  readonly logY?: boolean | undefined
  readonly series: ReadonlyArray<Series>
}

const WIDTH = 760
const HEIGHT = 420
/** What is left free around the lines, for words. */
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 210, 40, 55]
const COLOURS = ["#3366cc", "#dc7633", "#2e8b57", "#b03a5b", "#7d5ba6", "#6b7280", "#0f8b8d", "#a67c00"]

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const label = (value: number): string =>
  value === 0 ? "0" : Math.abs(value) >= 1e6 ? `${value / 1e6}M` : Math.abs(value) >= 1000
    ? `${value / 1000}k`
    : String(Number(value.toPrecision(3)))

/** A scale from values to pixels, and the values worth a line. */
const axis = (values: ReadonlyArray<number>, from: number, to: number, log: boolean) => {
  const least = Math.min(...values)
  const most = Math.max(...values)
  if (log) {
    const low = Math.floor(Math.log10(least))
    const high = Math.max(low + 1, Math.ceil(Math.log10(most)))
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
    return { ticks, at: (value: number) => from + (Math.log10(value) - low) / (high - low) * (to - from) }
  }
  const low = Math.min(0, least)
  const span = most - low || 1
  const step = [1, 2, 2.5, 5, 10].map((n) => n * 10 ** Math.floor(Math.log10(span / 5))).find((n) => span / n <= 6) ??
    span
  const high = Math.ceil(most / step) * step || 1
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step)
  return { ticks, at: (value: number) => from + (value - low) / (high - low) * (to - from) }
}

const pixel = (n: number): string => String(Math.round(n * 10) / 10)

export const plot = (chart: Chart): string => {
  const { logX = false, logY = false } = chart
  const shown = chart.series.map((series) => ({
    ...series,
    points: series.points.filter(({ x, y }) =>
      Number.isFinite(x) && Number.isFinite(y) && (!logX || x > 0) && (!logY || y > 0)
    )
  }))
  const points = shown.flatMap((series) => series.points)
  const x = axis(points.map((point) => point.x), LEFT, WIDTH - RIGHT, logX)
  const heights = points.flatMap(({ high, low, y }) => [y, high ?? y, logY && (low ?? y) <= 0 ? y : low ?? y])
  const y = axis(heights, HEIGHT - BOTTOM, TOP, logY)
  const out: Array<string> = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="22" font-size="15" font-weight="bold" fill="#222222">${escape(chart.title)}</text>`
  ]
  for (const tick of y.ticks) {
    const at = pixel(y.at(tick))
    out.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#e3e3e3"/>`,
      `<text x="${LEFT - 8}" y="${at}" dy="4" text-anchor="end" fill="#555555">${label(tick)}</text>`
    )
  }
  const marks = logX ? [...new Set(points.map((point) => point.x))].sort((a, b) => a - b) : x.ticks
  for (const tick of marks.length > 12 ? x.ticks : marks) {
    const at = pixel(x.at(tick))
    out.push(
      `<line x1="${at}" x2="${at}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM + 5}" stroke="#999999"/>`,
      `<text x="${at}" y="${HEIGHT - BOTTOM + 19}" text-anchor="middle" fill="#555555">${label(tick)}</text>`
    )
  }
  out.push(
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}" stroke="#999999"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle" fill="#222222">${
      escape(chart.x)
    }</text>`,
    `<text transform="translate(18 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle" fill="#222222">${
      escape(chart.y)
    }</text>`
  )
  for (const [i, series] of shown.entries()) {
    const colour = COLOURS[(series.colour ?? i) % COLOURS.length]
    const dash = series.dashed === true ? " stroke-dasharray=\"5 4\"" : ""
    const path = series.points.map((point) => `${pixel(x.at(point.x))},${pixel(y.at(point.y))}`).join(" ")
    if (series.scattered !== true) {
      out.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.8"${dash}/>`)
    }
    if (series.dashed !== true) {
      for (const point of series.points) {
        const at = pixel(x.at(point.x))
        if (point.low !== undefined && point.high !== undefined && (!logY || point.low > 0)) {
          out.push(
            `<line x1="${at}" x2="${at}" y1="${pixel(y.at(point.low))}" y2="${
              pixel(y.at(point.high))
            }" stroke="${colour}" stroke-opacity="0.5"/>`
          )
        }
        if (series.points.length <= 30) {
          out.push(`<circle cx="${at}" cy="${pixel(y.at(point.y))}" r="3" fill="${colour}"/>`)
        }
      }
    }
    const row = TOP + 8 + i * 20
    if (series.scattered === true) {
      out.push(`<circle cx="${WIDTH - RIGHT + 27}" cy="${row}" r="4" fill="${colour}"/>`)
    } else {
      out.push(
        `<line x1="${WIDTH - RIGHT + 14}" x2="${
          WIDTH - RIGHT + 40
        }" y1="${row}" y2="${row}" stroke="${colour}" stroke-width="2.5"${dash}/>`
      )
    }
    out.push(
      `<text x="${WIDTH - RIGHT + 46}" y="${row}" dy="4" fill="#222222">${escape(series.name)}</text>`
    )
  }
  out.push("</svg>")
  return `${out.join("\n")}\n`
}
