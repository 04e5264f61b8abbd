// Fields on the grid of samples.
"use strict";

const grid = page.grid;

/** Field of the page, as 16-bit codes of which 0 stands for no value. */
class Field {
    constructor(described) {
        Object.assign(this, described, { label: raised(described.label) });
        this.range = [...this.limits];
        this.packed = this.codes;
        this.codes = null;
    }

    /** Unpacks the codes, once. */
    load() {
        this.loading ??= this.unpack();
        return this.loading;
    }

    async unpack() {
        const packed = Uint8Array.from(atob(this.packed), (character) => character.charCodeAt(0));
        const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
        const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
        this.packed = null;
        const { width, height } = grid;
        const size = width * height;
        const codes = new Uint16Array(size);
        for (let i = 0; i < size; i++) {
            const packedDifference = bytes[i] | (bytes[size + i] << 8);
            const difference = (packedDifference >>> 1) ^ -(packedDifference & 1);
            const isFirst = i % width === 0;
            const left = isFirst ? 0 : codes[i - 1];
            const upper = i < width ? 0 : codes[i - width];
            const corner = isFirst || i < width ? 0 : codes[i - width - 1];
            codes[i] = difference + left + upper - corner;
        }
        this.codes = codes;
    }

    /** Returns what a stored number stands for. */
    value(stored) {
        return this.is_logarithmic ? 10 ** stored : stored;
    }

    /** Returns the stored number for a value. */
    stored(value) {
        return this.is_logarithmic ? Math.log10(value) : value;
    }

    /** Returns the value at a position in samples from the upper left corner; NaN where there is none. */
    at(x, y) {
        const { width, height } = grid;
        if (!(x >= 0 && y >= 0 && x < width && y < height)) return NaN;
        const code = this.is_smooth
            ? this.between(x - 0.5, y - 0.5)
            : this.codes[Math.floor(y) * width + Math.floor(x)];
        return code > 0 ? this.value(this.low + this.step * (code - 1)) : NaN;
    }

    /** Interpolates the codes around a position; 0 without any. */
    between(x, y) {
        const { width, height } = grid;
        const column = Math.min(Math.max(Math.floor(x), 0), width - 2);
        const row = Math.min(Math.max(Math.floor(y), 0), height - 2);
        const [right, down] = [x - column, y - row];
        let [sum, weights] = [0, 0];
        for (const [dx, dy, weight] of [
            [0, 0, (1 - right) * (1 - down)],
            [1, 0, right * (1 - down)],
            [0, 1, (1 - right) * down],
            [1, 1, right * down],
        ]) {
            const code = this.codes[(row + dy) * width + column + dx];
            if (code > 0) [sum, weights] = [sum + weight * code, weights + weight];
        }
        return weights > 0 ? sum / weights : 0;
    }

    /** Formats a value with the digits that tell values in the range of the field apart. */
    text(value) {
        if (!Number.isFinite(value)) return "–";
        if (this.is_class) return String(value);
        if (this.is_logarithmic) return number(value, 4);
        const [least, most] = this.limits;
        const decimals = Math.ceil(4 - Math.log10(most - least));
        const isShort = decimals <= 9 && Math.max(Math.abs(least), Math.abs(most)) < 1e7;
        return isShort ? value.toFixed(Math.max(0, decimals)) : value.toExponential(5);
    }

    /** Returns name and unit. */
    get unit() {
        return this.label.match(/ \((.*)\)$/)?.[1] ?? "";
    }

    get name() {
        return this.label.replace(/ \(.*\)$/, "");
    }

    /** Returns red, green and blue at a part of the range, or of a class. */
    colour(part) {
        const colours = this.is_class ? CLASSES : palette(this);
        const place = this.is_class ? part % CLASSES.length : Math.min(Math.max(part, 0), 1) * (colours.length - 1);
        const below = Math.min(Math.floor(place), colours.length - 2);
        const mixed = (i) =>
            Math.round(colours[below][i] + (place - below) * (colours[below + 1][i] - colours[below][i]));
        return this.is_class ? colours[place] : [0, 1, 2].map(mixed);
    }

    /** Draws all samples with their colours, one to a pixel. */
    paint(canvas) {
        const [least, most] = this.range;
        const colours = new Uint32Array(65536);
        for (let code = 1; code < 65536; code++) {
            const stored = this.low + this.step * (code - 1);
            const part = this.is_class ? Math.round(stored) : (stored - least) / (most - least || 1);
            const [red, green, blue] = this.colour(part);
            colours[code] = 0xff000000 | (blue << 16) | (green << 8) | red;
        }
        [canvas.width, canvas.height] = [grid.width, grid.height];
        const image = new ImageData(grid.width, grid.height);
        const pixels = new Uint32Array(image.data.buffer);
        for (let i = 0; i < pixels.length; i++) pixels[i] = colours[this.codes[i]];
        canvas.getContext("2d").putImageData(image, 0, 0);
    }

    /** Returns the contour lines of so many levels in the range, in samples (marching squares). */
    contours(count) {
        const { codes } = this;
        const { width, height } = grid;
        const [least, most] = this.range;
        const level = (i) => (least + ((most - least) * i) / (count + 1) - this.low) / this.step + 1;
        const levels = Array.from({ length: count }, (_, i) => level(i + 1));
        const lines = new Path2D();
        for (let row = 0; row + 1 < height; row++) {
            for (let column = 0; column + 1 < width; column++) {
                const first = row * width + column;
                const [a, b, c, d] = [codes[first], codes[first + 1], codes[first + width + 1], codes[first + width]];
                const [low, high] = [Math.min(a, b, c, d), Math.max(a, b, c, d)];
                if (low === 0 || low === high) continue;
                for (const at of levels) {
                    if (at > low && at <= high) contourOfCell(lines, [a, b, c, d], at, column + 0.5, row + 0.5);
                }
            }
        }
        return lines;
    }
}

const CORNERS = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
];

/** Adds the pieces of a contour line in a cell with its first corner at x, y. */
function contourOfCell(lines, around, level, x, y) {
    const points = [];
    for (let i = 0; i < 4; i++) {
        const next = (i + 1) % 4;
        if (around[i] >= level !== around[next] >= level) {
            const part = (level - around[i]) / (around[next] - around[i]);
            const [a, b] = [CORNERS[i], CORNERS[next]];
            points.push([x + a[0] + part * (b[0] - a[0]), y + a[1] + part * (b[1] - a[1])]);
        }
    }
    const mean = (around[0] + around[1] + around[2] + around[3]) / 4;
    // A saddle: the value in the middle determines which corners are connected.
    if (points.length === 4 && mean >= level !== around[0] >= level) points.unshift(points.pop());
    for (let i = 0; i + 1 < points.length; i += 2) {
        lines.moveTo(...points[i]);
        lines.lineTo(...points[i + 1]);
    }
}

const rgb = (digits) => [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
const palettes = Object.fromEntries(
    Object.entries(page.palettes).map(([name, text]) => [name, text.match(/.{6}/g).map(rgb)]),
);
const CLASSES = COLOURS.map((colour) => rgb(colour.slice(1)));

/** Returns the palette of a field, as in the pictures of `quad8-mpi plot`. */
function palette(field) {
    if (field.is_logarithmic) return palettes.inferno;
    return ["speed", "flux"].includes(field.key) ? palettes.viridis : palettes.cividis;
}

const fields = page.fields.map((described) => new Field(described));
