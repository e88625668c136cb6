/** Draws the messages of a story, in their order, between those who take part. */

/** A message, or something that happened to one of those who take part. */
export type Step = Arrow | Note

export interface Arrow {
  readonly _tag: "Arrow"
  readonly from: string
  readonly to: string
  readonly label: string
  /** Milliseconds from the start. */
  readonly at: number
  /** It never arrived. */
  readonly lost: boolean
  /** A stream, not a packet. */
  readonly stream: boolean
}

export interface Note {
  readonly _tag: "Note"
  readonly of: string
  readonly text: string
  readonly at: number
}

export interface Sequence {
  readonly title: string
  /** Who takes part, from left to right, with what it is. */
  readonly lanes: ReadonlyArray<readonly [string, string]>
  readonly steps: ReadonlyArray<Step>
}

const CHARACTER = 7
const ROW = 34
const TOP = 92
const LEFT = 84

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const widthOf = (text: string): number => text.length * CHARACTER

/** How far two neighbouring lanes must be apart, so that every label has its place. */
const gap = ({ lanes, steps }: Sequence): number => {
  const index = new Map(lanes.map(([name], i) => [name, i]))
  const place = (name: string): number => index.get(name) ?? 0
  return steps.reduce(
    (most, step) =>
      step._tag === "Arrow"
        ? Math.max(most, (widthOf(step.label) + 40) / Math.abs(place(step.from) - place(step.to)))
        : Math.max(most, widthOf(step.text) * 0.5 + 40),
    190
  )
}

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${Math.round(x)}" y="${Math.round(y)}" ${attributes}>${escaped(content)}</text>`

export const draw = (sequence: Sequence): string => {
  const { lanes, steps, title } = sequence
  const apart = Math.ceil(gap(sequence))
  const notes = Math.max(0, ...steps.map((step) => step._tag === "Note" ? widthOf(step.text) / 2 + 12 : 0), 90)
  const margin = Math.ceil(notes)
  const x = (name: string): number => LEFT + margin + apart * Math.max(0, lanes.findIndex(([lane]) => lane === name))
  const width = Math.max(LEFT + 2 * margin + apart * (lanes.length - 1) + 12, widthOf(title) * 1.15 + 40)
  const bottom = TOP + ROW * steps.length
  const height = bottom + 24
  const colour = (lost: boolean): string => lost ? "#cf222e" : "#0550ae"
  return `${
    [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
      + ` font-family="Helvetica,Arial,sans-serif" font-size="12" fill="#1f2328">`,
      `<title>${escaped(title)}</title>`,
      `<rect width="100%" height="100%" fill="white"/>`,
      `<defs>${
        [false, true].map((lost) =>
          `<marker id="head-${
            lost ? "lost" : "sent"
          }" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="6" markerHeight="6"`
          + ` orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="${colour(lost)}"/></marker>`
        ).join("")
      }</defs>`,
      text(width / 2, 24, title, `text-anchor="middle" font-size="14"`),
      ...lanes.flatMap(([name, role]) => [
        `<line x1="${x(name)}" y1="${TOP - 14}" x2="${x(name)}" y2="${bottom}" stroke="#8c959f"/>`,
        `<rect x="${x(name) - 78}" y="38" width="156" height="40" rx="6" fill="#ddf4ff" stroke="#57606a"/>`,
        text(x(name), 55, name, `text-anchor="middle" font-weight="bold"`),
        text(x(name), 70, role, `text-anchor="middle" font-size="11"`)
      ]),
      ...steps.flatMap((step, i) => {
        const y = TOP + ROW * i + 22
        const time = text(LEFT - 8, y + 4, `${Math.round(step.at)} ms`, `text-anchor="end" fill="#57606a"`)
        if (step._tag === "Note") {
          const wide = widthOf(step.text) + 20
          return [
            time,
            `<rect x="${Math.round(x(step.of) - wide / 2)}" y="${y - 12}" width="${
              Math.round(wide)
            }" height="24" rx="4"`
            + ` fill="#fff8c5" stroke="#9a6700"/>`,
            text(x(step.of), y + 4, step.text, `text-anchor="middle"`)
          ]
        }
        const [from, to] = [x(step.from), x(step.to)]
        const end = step.lost ? from + (to - from) * 0.86 : to
        const dash = step.stream ? ` stroke-dasharray="6 4"` : ""
        return [
          time,
          `<line x1="${from}" y1="${y}" x2="${Math.round(end)}" y2="${y}" stroke="${
            colour(step.lost)
          }" stroke-width="1.5"`
          + `${dash} marker-end="url(#head-${step.lost ? "lost" : "sent"})"/>`,
          ...(step.lost
            ? [text(from + (to - from) * 0.92, y + 5, "✕", `text-anchor="middle" fill="#cf222e" font-size="15"`)]
            : []),
          // a background, so that a lifeline between the two does not cross the words
          `<rect x="${Math.round((from + to) / 2 - widthOf(step.label) / 2)}" y="${y - 17}" width="${
            widthOf(step.label)
          }" height="14" fill="white"/>`,
          text((from + to) / 2, y - 6, step.label, `text-anchor="middle"`)
        ]
      }),
      "</svg>"
    ].join("\n")
  }\n`
}
