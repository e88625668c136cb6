/** What a bundler makes of a program with a node in it. */
import { sizes } from "../../bundle/Bundle.ts"
import type { Section } from "../../page/Section.ts"
import type { Measuring } from "../Measuring.ts"

export const seconds = 3

const KB = 1000

export const measure = (measuring: Measuring): Promise<void> => {
  for (const subject of measuring.turns("ours", "before")) {
    const { beneath, own, whole } = sizes(measuring.folder(subject))
    measuring.record(subject, {
      minified: whole.minified / KB,
      gzipped: whole.gzipped / KB,
      ownMinified: own.minified / KB,
      ownGzipped: own.gzipped / KB
    })
    if (subject === "ours") {
      measuring.record("effect", { minified: beneath.minified / KB, gzipped: beneath.gzipped / KB })
    }
  }
  return Promise.resolve()
}

export const section: Section = {
  title: () => "Bundle",
  text: () =>
    `A program that uses \`Memberlist\`, \`MemberlistConfig\`, \`MemberlistLive\` and \`NodeTransport\`, bundled by esbuild for Node.js,
minified, what it does not use left out; 1 kB is 1,000 bytes. "The library alone" leaves Effect's packages to be loaded: it is what the
library adds to a program that has them. "Effect's modules alone" is the rest of the whole, with what Effect's sockets bring along.`,
  figures: [
    { key: "minified", title: "minified, kB", digits: 1 },
    { key: "gzipped", title: "gzipped, kB", digits: 1 },
    { key: "ownMinified", title: "the library alone, kB", digits: 1 },
    { key: "ownGzipped", title: "gzipped, kB", digits: 1 }
  ]
}
