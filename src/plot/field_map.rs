//! Pictures of a field.

use std::mem;

use rayon::prelude::*;
use tiny_skia::{PathBuilder, Pixmap};

use crate::error::Result;
use crate::io::results::{ResultsMesh as Mesh, ResultsReader};
use crate::plot::colour::{Colours, INK};
use crate::plot::difference::Subtrahend;
use crate::plot::figure::{Bar, Page};
use crate::plot::sampling::{PER_PIXEL, Sampling};
use crate::plot::scene::{Colour, Scene};
use crate::plot::streamlines::{Flow, add_arrow, thinned};
use crate::plot::text::Font;
use crate::plot::values::Values;
use crate::plot::view::{Bounds, View, check_view};
use crate::plot::{PlotArgs, PlotField, contour, lines, not_converged, ticks};
use crate::system::{print_stderr, rounded};

/// Default number of contour lines in a picture of u.
const CONTOURS: u32 = 15;
/// Colour of lines on coloured areas.
const WHITE: Colour = [255, 255, 255, 215];

/// Draws the field, the lines and the arrows that the options ask for.
///
/// # Errors
/// The results cannot be read, the mesh is too small or too large, or the field has no finite
/// values.
pub fn draw(reader: &ResultsReader, args: &PlotArgs) -> Result<Scene> {
    let mut mesh = reader.mesh()?;
    let values = Values::read(reader, &mesh, args.field)?;
    let subtrahend = args.minus.as_deref().map(Subtrahend::open).transpose()?;
    let values = match &subtrahend {
        Some(other) => other.subtract(values, &mesh, args.field)?,
        None => values.with_logarithms(),
    };
    let mark = not_converged(reader);
    let heading = match &subtrahend {
        Some(other) => Some(other.title(args.input(), mark)),
        None => mark.map(|mark| (mark, true)),
    };

    // From here on all y are stretched.
    mesh.points.iter_mut().for_each(|point| point[1] *= args.stretch);
    let domain = Bounds::of(&mesh);
    let window = args.window.map(|window| window.stretched(args.stretch));
    check_view(domain, window, args.stretch)?;
    let mut bar = values.bar(args.range.as_ref(), &mesh, window)?;
    let bounds = window.unwrap_or_else(|| domain.with_margin(0.015));
    let (mut page, view) = lay_out(bounds, &mut bar, args, heading);
    let axes = mem::replace(&mut page.scene, Scene::new(0, 0));
    let sampling = Sampling::new(&mesh, &view);
    let samples = values.sample(&sampling, &mesh);
    if let Some(image) = fill(&samples, sampling.width, &bar.colours, &view) {
        page.scene.image(image, view.corner[0], view.corner[1]);
    }
    draw_lines(&mut page, reader, &mesh, (&sampling, &view), args)?;
    let frame = view.frame().filter(|_| window.is_some());
    Ok(axes.over(page.scene, frame))
}

/// Draws the lines and arrows that the options ask for, and the boundary.
fn draw_lines(
    page: &mut Page,
    reader: &ResultsReader,
    mesh: &Mesh,
    (sampling, view): (&Sampling, &View),
    args: &PlotArgs,
) -> Result<()> {
    let nodes = mesh.points.len();
    if args.mesh {
        draw_mesh(page, mesh, view);
    }
    let has_contours = args.field == PlotField::U && args.minus.is_none();
    let contours = args.contours.unwrap_or(if has_contours { CONTOURS } else { 0 });
    if contours > 0 {
        let u = sampling.nodal(mesh, &reader.numbers("u", Some(&[nodes]))?);
        draw_contours(page, sampling, &u, contours, view);
    }
    if args.arrows || args.streamlines {
        let vectors = if args.field == PlotField::Flux { "flux_node" } else { "vel_node" };
        let velocity = reader.numbers(vectors, Some(&[nodes, 2]))?;
        let component = |c: usize, factor: f64| -> Vec<f64> {
            velocity.iter().skip(c).step_by(2).map(|value| factor * value).collect()
        };
        let [x, y] = [(0, 1.0), (1, args.stretch)].map(|(c, factor)| sampling.nodal(mesh, &component(c, factor)));
        draw_flow(page, &Flow::new(sampling.width, &x, &y), view, args);
    }
    page.scene.stroke(lines::boundary(mesh, view), INK, 0.07 * page.em);
    Ok(())
}

/// Arranges the page, draws axes, colour bar and above them the heading, which may be a warning,
/// and returns the view of the mesh.
fn lay_out(bounds: Bounds, bar: &mut Bar, args: &PlotArgs, heading: Option<(String, bool)>) -> (Page, View) {
    /// Aspect ratio of a domain from which the colour bar lies below it.
    const WIDE: f64 = 3.2;
    /// Largest height of the view over the width of the page.
    const TALLEST: f64 = 0.75;
    let PlotArgs { width, stretch, .. } = *args;
    let em = width as f32 / 62.0;
    let mut page = Page { scene: Scene::new(width, width), font: Font::new(), em };
    let [domain_width, domain_height] = bounds.size();
    let aspect = domain_width / domain_height;
    bar.upright = aspect < WIDE;

    let tallest = TALLEST * f64::from(width);
    let roughly = ((f64::from(width) - 13.0 * f64::from(em)) / aspect).min(tallest) as f32;
    let [y_low, y_high] = [bounds.low[1], bounds.high[1]].map(|y| y / stretch);
    let y_ticks = ticks::linear(y_low, y_high, (roughly / (2.2 * em)).clamp(2.0, 9.0) as usize);
    if bar.upright {
        bar.mark((roughly / (2.2 * em)).clamp(2.0, 9.0) as usize);
    }
    let top = if heading.is_some() { page.title_room() } else { em }.ceil();
    let left = page.y_axis_room(&y_ticks).ceil();
    let right = if bar.upright { page.bar_room(bar) } else { 2.0 * em }.ceil();
    let view_width = f64::from(width as f32 - left - right).min(tallest * aspect).round().max(1.0);
    let view_height = (view_width / aspect).round().max(1.0);
    let view = View { bounds, corner: [left as u32, top as u32], size: [view_width as u32, view_height as u32] };

    let frame = [left, top, view_width as f32, view_height as f32];
    let x_count = (frame[2] / (5.0 * em)).clamp(2.0, 10.0) as usize;
    let x_ticks = page.spaced_ticks([bounds.low[0], bounds.high[0]], frame[2], x_count);
    if !bar.upright {
        bar.mark_along(&page, frame[2], 8);
    }
    let bottom = page.x_axis_room();
    let below = if bar.upright { 0.0 } else { 1.4 * em + page.x_axis_room() };
    page.scene = Scene::new((left + frame[2] + right) as u32, (top + frame[3] + bottom + below) as u32);
    page.x_axis(frame, &x_ticks, "x (m)", |x| view.place([x, 0.0])[0]);
    let y_label =
        if stretch == 1.0 { "y (m)".to_owned() } else { format!("y (m), stretched {} times", rounded(stretch, 6)) };
    page.y_axis(frame, &y_ticks, &y_label, |y| view.place([0.0, stretch * y])[1]);
    page.frame(frame);
    if let Some((text, is_warning)) = heading {
        let place = [0.0, top, left + frame[2] + right, 0.0];
        if is_warning { page.warning(place, &text) } else { page.title(place, &text) }
    }
    let bar_frame = if bar.upright {
        [left + frame[2] + em, top, em, frame[3]]
    } else {
        [left, top + frame[3] + bottom + 0.2 * em, frame[2], 0.9 * em]
    };
    page.bar(bar_frame, bar);
    (page, view)
}

/// Colours all pixels; those on the rim are partly transparent.
fn fill(samples: &[f32], width: usize, colours: &Colours, view: &View) -> Option<Pixmap> {
    let mut image = Pixmap::new(view.size[0], view.size[1])?;
    let columns = view.size[0] as usize;
    image.data_mut().par_chunks_exact_mut(4).enumerate().with_min_len(4096).for_each(|(i, pixel)| {
        let first = i / columns * PER_PIXEL * width + i % columns * PER_PIXEL;
        let under = (0..PER_PIXEL * PER_PIXEL).map(|s| samples[first + s / PER_PIXEL * width + s % PER_PIXEL]);
        let mut sum = [0_usize; 4];
        for value in under.filter(|v| !v.is_nan()) {
            let [r, g, b] = colours.of(f64::from(value)).map(usize::from);
            sum = [sum[0] + r, sum[1] + g, sum[2] + b, sum[3] + 255];
        }
        // The mean over all samples gives colours multiplied by the opacity.
        pixel.copy_from_slice(&sum.map(|s| (s / (PER_PIXEL * PER_PIXEL)) as u8));
    });
    Some(image)
}

fn draw_mesh(page: &mut Page, mesh: &Mesh, view: &View) {
    /// Edge length (px) below which mesh lines are not drawn.
    const NARROW: f64 = 3.0;
    let edge = lines::mean_edge(mesh, view);
    if edge < NARROW {
        print_stderr(&format!("warning: no mesh lines: an edge is {edge:.1} pixels long, raise --width\n"));
        return;
    }
    page.scene.stroke(lines::edges(mesh, view), [0, 0, 0, 130], (0.06 * edge as f32).min(0.05 * page.em).max(0.4));
}

fn draw_contours(page: &mut Page, sampling: &Sampling, u: &[f32], count: u32, view: &View) {
    let values = u.iter().map(|&v| f64::from(v)).filter(|v| !v.is_nan());
    let range = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
    let to_page = from_samples(view);
    for level in contour::levels(range, count) {
        let path = thinned(&contour::lines(u, sampling.width, level as f32), 2.0, &to_page);
        page.scene.stroke(path, WHITE, 0.055 * page.em);
    }
}

fn draw_flow(page: &mut Page, flow: &Flow, view: &View, args: &PlotArgs) {
    let em = page.em;
    let to_page = from_samples(view);
    let mut heads = PathBuilder::new();
    if args.streamlines {
        let lines = flow.streamlines(1.1 * em * PER_PIXEL as f32);
        if lines.is_empty() {
            print_stderr("warning: no streamlines: the domain is too thin for them, use --stretch or raise --width\n");
        }
        page.scene.stroke(thinned(&lines, 3.0, &to_page), WHITE, 0.08 * em);
        for line in &lines {
            let middle = line.len() / 2;
            let [a, b] = [line[middle - 1], line[middle]].map(&to_page);
            let length = (b[0] - a[0]).hypot(b[1] - a[1]).max(f32::MIN_POSITIVE);
            add_arrow(&mut heads, [b, [0, 1].map(|i| 0.9 * em / length * (b[i] - a[i]))], 0.15 * em);
        }
        page.scene.fill(heads.finish(), WHITE);
    }
    if args.arrows {
        let mut arrows = PathBuilder::new();
        for [middle, vector] in flow.arrows((1.7 * em) as usize * PER_PIXEL) {
            add_arrow(&mut arrows, [to_page(middle), vector.map(|v| v / PER_PIXEL as f32)], 0.1 * em);
        }
        let arrows = arrows.finish();
        page.scene.stroke(arrows.clone(), [255, 255, 255, 150], 0.1 * em);
        page.scene.fill(arrows, INK);
    }
}

/// Returns the map from samples to the page (px).
fn from_samples(view: &View) -> impl Fn([f32; 2]) -> [f32; 2] + use<> {
    let corner = view.corner.map(|c| c as f32);
    move |point| [0, 1].map(|axis| corner[axis] + (point[axis] + 0.5) / PER_PIXEL as f32)
}
