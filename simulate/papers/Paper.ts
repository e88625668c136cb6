/** The numbers printed in the papers. */

/** SWIM §5 (DSN 2002). */
export const swim = {
  /** Periods until the first detection: e/(e−1). */
  first: Math.E / (Math.E - 1),
  /** Messages that a member sends per period. */
  load: 2,
  /** At 28 members fewer than 5 messages in a period, with this probability. */
  under5: 0.99,
  /** Group sizes of 17 processes that stay together at 10 % loss. */
  loss: { basic: 2, infection: 4, suspicion: 12 }
}

/** Lifeguard (arXiv 1707.00788v2), Table IV: false positives over all Interval runs, α = 5, β = 6. */
export const table4: Readonly<Record<string, readonly [all: number, healthy: number]>> = {
  "SWIM": [339_002, 1326],
  "LHA-Probe": [229_574, 436],
  "LHA-Suspicion": [10_174, 89],
  "Buddy System": [318_935, 591],
  "Lifeguard": [5193, 25]
}

/** Figures 2 and 3: the same by the number of slow members. */
export const figure2: Readonly<Record<string, ReadonlyArray<number>>> = {
  "SWIM": [906, 5973, 11_286, 23_147, 34_501, 45_485, 58_965, 77_069, 81_670],
  "LHA-Probe": [512, 3208, 7226, 15_199, 21_922, 36_476, 41_832, 50_274, 52_925],
  "LHA-Suspicion": [49, 311, 142, 581, 1341, 1119, 1762, 2892, 1977],
  "Buddy System": [950, 6388, 8476, 20_187, 34_737, 46_446, 58_441, 71_740, 71_570],
  "Lifeguard": [18, 143, 110, 224, 573, 751, 842, 1335, 1197]
}
export const figure3: Readonly<Record<string, ReadonlyArray<number>>> = {
  "SWIM": [24, 9, 43, 40, 90, 204, 183, 276, 458],
  "LHA-Probe": [2, 1, 3, 7, 57, 43, 57, 157, 109],
  "LHA-Suspicion": [0, 1, 2, 4, 9, 10, 11, 18, 34],
  "Buddy System": [1, 5, 12, 24, 45, 63, 96, 159, 186],
  "Lifeguard": [0, 1, 4, 2, 0, 6, 4, 3, 5]
}

/** Table V: seconds until the first detection and until everybody knows: median, 99 %, 99.9 %. */
export const table5: Readonly<Record<string, readonly [ReadonlyArray<number>, ReadonlyArray<number>]>> = {
  "SWIM": [[12.44, 16.96, 19.4], [12.9, 16.93, 20.17]],
  "LHA-Probe": [[12.42, 17.75, 20.1], [12.9, 17.98, 20.56]],
  "LHA-Suspicion": [[12.42, 17.47, 25.41], [12.89, 17.33, 23.8]],
  "Buddy System": [[12.45, 17.12, 19.16], [12.92, 17.18, 19.81]],
  "Lifeguard": [[12.45, 17.9, 21.2], [12.91, 18.05, 21.68]]
}

/** Table VI: millions of messages and GiB over all Interval runs. */
export const table6: Readonly<Record<string, readonly [messages: number, gib: number]>> = {
  "SWIM": [435.33, 149.15],
  "LHA-Probe": [428.62, 134.28],
  "LHA-Suspicion": [484.55, 158.87],
  "Buddy System": [435.62, 147.67],
  "Lifeguard": [481.42, 146.13]
}

/** Table VII: Lifeguard in % of SWIM, by α and β. */
export const table7: Readonly<
  Record<string, {
    readonly first: number
    readonly full: number
    readonly all: number
    readonly healthy: number
  }>
> = {
  "2,2": { first: 53.14, full: 55.12, all: 98.37, healthy: 31.15 },
  "2,4": { first: 54.1, full: 56.28, all: 43.64, healthy: 22.47 },
  "2,6": { first: 54.34, full: 56.74, all: 24.16, healthy: 13.65 },
  "4,2": { first: 82.96, full: 84.42, all: 37.72, healthy: 20.29 },
  "4,4": { first: 83.04, full: 84.03, all: 8.04, healthy: 9.5 },
  "4,6": { first: 83.12, full: 84.42, all: 3.18, healthy: 4.83 },
  "5,2": { first: 99.76, full: 99.92, all: 26.61, healthy: 15.38 },
  "5,4": { first: 99.52, full: 99.61, all: 5.43, healthy: 5.05 },
  "5,6": { first: 100.08, full: 100.08, all: 1.53, healthy: 1.89 }
}
