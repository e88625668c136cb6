/** `docs/profiles.md`: where the processor time goes, and what the missed targets would take. */

/** The tables of what was looked at, and when and where that was. */
interface Tables {
  readonly circumstances: string
  readonly idle: string
  readonly steady: string
  readonly join: string
  readonly table: string
  /** How many members, for how long. */
  readonly simulated: string
  readonly simulator: string
}

/** Returns the page. */
export const explained = ({ circumstances, idle, join, simulated, simulator, steady, table }: Tables): string =>
  `# Where the processor time goes

Some targets of [benchmarks.md](benchmarks.md#targets) are missed. This page shows what the main thread does meanwhile, what
nobody could save, and what it would take to save more. \`npm exec -- node bench/profile.ts --write\` writes it: it runs what
the benchmark runs, or less of it, and looks at the main thread two thousand times a second (the simulator's: a thousand). Other threads (compiler, garbage
collector) are not in it, and looking takes some time itself, so that shares say more than times.

${circumstances}

## One of five processes, while nothing happens

Target: as much as Go. A node sends a ping and an ack each second, and receives as many.

${idle}

The floor is \`bare Node.js, pings and acks\` in [benchmarks.md](benchmarks.md#five-processes-of-one-node-each): the same
datagrams without a library. Native code (the system calls that send them) and Node.js belong to everybody who speaks UDP
from Node.js. The floor costs less than half of what Go's process does; Effect's fibers and our rules take nearly twice what
the target leaves for them. None of their functions stands out: what runs twice a second is
never compiled, and a node costs nine times what it costs among a hundred of a process (below).

What it would take: a probe without a fiber (timers and callbacks by hand, in place of what owns them and ends
them), or a runtime that keeps rarely used code compiled.

## 100 nodes of one process, while nothing happens

Target: half of Go.

${steady}

The floor is \`bare Node.js, pings and acks\` of the same part. What it would take: no fiber for the wait of a probe, and no
callback of Node.js for each datagram that is sent (by an estimate a tenth each); the rest is spread over the way of a
packet from the socket to the rules and back.

## 100 nodes of one process, until all agree

Target: as much as Go. It lasts three seconds, in which most functions are still interpreted.

${join}

Larger clusters of a process take less processor time than Go's: at 200 nodes it has been compiled
([cost as it grows](benchmarks.md#cost-as-it-grows-10-50-100-200-nodes-of-one-process)). What it would take: compiled code
from the start (V8 keeps bytecode between runs, and no machine code).

The memory of an added node is mostly V8's space for new objects, which grows with the rate of allocation and not with what
is kept; \`node --max-semi-space-size=4\` keeps it small. A library does not set the flags of a program.

## A newcomer that is given 10,000 members

Targets: as much time as Go for the join, and for each exchange after it; no pause above 50 ms, which is met.

${table}

A fresh process decodes a list twice, because it asks for the list before it introduces itself (memberlist introduces
itself first, and so has told a foreign cluster of itself before it can refuse it), puts 10,000 rows into the table, and
queues as many broadcasts, all in code that has run for a tenth of a second. Warm, decoding a list takes less than Go's
decoder does. What it would take: one list in place of two, which is a promise given up; broadcasts that are encoded when they
are first sent.

The codec's own miss, decoding lists, is allocation: most of a row's bytes are the two \`Uint8Array\`s of its address and
versions, which are part of the public message. What it would take: another type for them.

## Simulated members

Targets: 128 members for 120 s in 3 s, and 1,000 for 60 s in 60 s. Looked at: ${simulated}, from the start of Node.js.

${simulator}

All start and join in the first second, so that each of n members tells each piece of news of n members some twelve
times (sixteen from a thousand members on): n² × 12 claims, nearly all of them old news to who gets them. A claim takes a few microseconds on its whole way. The two
functions that take the most look names up in tables (\`onClaim\`, \`get\`): those of all members have n² rows, far more than a
processor's cache holds, so that each look waits for memory several times. That is why a member-second costs more the more members there are. What it would take:
simulated members that share what they agree on (as a cluster that begins settled does, [simulation.md](simulation.md#thousands)),
or several threads; either is another simulator.
`
