/**
 * Takes the pictures of the status page that the documents show, in Chromium: `npm run write-pictures`. Five agents as
 * processes, one of them killed; and a cluster of 1,000 nodes in one process, on the simulated network in real time,
 * which takes some minutes. Arguments: `five`, `thousand`; both without any.
 */
import { mkdirSync } from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import * as Chromium from "../../test/support/Chromium.ts"
import { Program } from "../../test/support/Program.ts"

const { positionals } = parseArgs({ allowPositionals: true })
const wanted = positionals.length === 0 ? ["five", "thousand"] : positionals
const folder = Path.resolve(import.meta.dirname, "../../docs/agent")
mkdirSync(folder, { recursive: true })
if (Chromium.found === undefined) throw new Error("no Chromium is installed; CHROMIUM may name one")
const browser = await Chromium.launch(Chromium.found)
const programs: Array<Program> = []

const served = /members reach it at (\S+), HTTP at (\S+)/
const start = async (name: string, env: Readonly<Record<string, string>> = {}) => {
  const program = new Program("../test/support/ServedNode.ts", { env: { NAME: name, ...env } })
  programs.push(program)
  const [, address = "", url = ""] = await program.prints(served)
  return { program, url, address }
}
const sleep = (millis: number) => new Promise((done) => setTimeout(done, millis))
const text = (id: string) => `document.getElementById("${id}").textContent`
const file = (name: string) => Path.join(folder, `${name}.png`)
const DESK = { width: 1280, height: 860 }
const PHONE = { width: 390, height: 844 }

/** Waits for a moment in which something is going on. */
const busy = async (page: Chromium.Page) => {
  await page.evaluate("window.scrollTo(0, 0), document.activeElement.blur()")
  await sleep(1000)
  await page.until("links.filter(({ since }) => performance.now() - since < 600).length > 0", 60)
}

const five = async () => {
  const first = await start("orders-1")
  const others = []
  for (const i of [2, 3, 4, 5]) others.push(await start(`orders-${i}`, { JOIN: first.address }))
  for (const [i, { url }] of [first, ...others].entries()) {
    await fetch(`${url}/v1/meta`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ json: { zone: ["eu-1", "eu-2"][i % 2], version: 3 } })
    })
  }
  const page = await browser.open(first.url, DESK)
  await page.until(`/All 5 agents/.test(${text("agree")})`)
  await sleep(8000)
  others[3]?.program.kill()
  await page.until(`/failed/.test(${text("events")})`)
  await page.until(`/All 4 agents/.test(${text("agree")})`)
  await page.evaluate(
    `[...document.querySelectorAll("#rows button")].find((each) => each.textContent === "orders-5").click()`
  )
  await page.until(`document.getElementById("detail").textContent.includes("Why it failed")`)
  await busy(page)
  await page.screenshot(file("five-members"))
  await page.look({ ...DESK, dark: true })
  await busy(page)
  await page.screenshot(file("five-members-dark"))
  await page.evaluate("close(), document.activeElement.blur()")
  await page.look({ ...PHONE, dark: true })
  await busy(page)
  await page.screenshot(file("phone"))
}

const thousand = async () => {
  const program = new Program("../scripts/pictures/Thousand.ts")
  programs.push(program)
  const [, , url = ""] = await program.prints(served)
  const page = await browser.open(url, { ...DESK, dark: true })
  await page.until(`/[4-9] suspect|failed/.test(${text("counts")})`, 300)
  await busy(page)
  await page.screenshot(file("thousand-members"))
}

try {
  if (wanted.includes("five")) await five()
  if (wanted.includes("thousand")) await thousand()
} finally {
  for (const program of programs) program.kill()
  await browser.close()
}
