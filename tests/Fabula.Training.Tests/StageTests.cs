using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public sealed class StageTests : IDisposable
{
    readonly Stage _stage = new(224, 128);

    public void Dispose() => _stage.Dispose();

    static ShotSpec Shot(ulong seed, int people = 1)
    {
        var chance = new Chance(seed);
        return Playwright.Shot(chance, Location.Draw(chance["where"]),
            [.. Enumerable.Range(0, people).Select(i => Person.Draw(chance["who"][i]))]);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_a_fresh_stage_and_on_a_used_one()
    {
        for (var seed = 0ul; seed < 6; seed++)
        {
            using var fresh = new Stage(224, 128);
            var (a, b) = (_stage.Draw(Shot(seed, 1 + (int)seed % 3)), fresh.Draw(Shot(seed, 1 + (int)seed % 3)));
            Assert.Equal(a.Frames, b.Frames);
            Assert.Equal(a.Masks, b.Masks);
        }
        Assert.NotEqual(_stage.Draw(Shot(1)).Frames, _stage.Draw(Shot(2)).Frames);
    }

    [Fact]
    public void Stages_on_several_threads_draw_the_same_bytes()
    {
        var together = new byte[4][];
        Parallel.For(0, together.Length, seed =>
        {
            using var stage = new Stage(224, 128);
            together[seed] = stage.Draw(Shot((ulong)seed, 2)).Frames;
        });
        for (var seed = 0; seed < together.Length; seed++) Assert.Equal(_stage.Draw(Shot((ulong)seed, 2)).Frames, together[seed]);
    }

    [Fact]
    public void Where_no_mask_is_the_frame_shows_the_plate_or_a_shadow_on_it()
    {
        var (inside, changed) = (0, 0);
        for (var seed = 0ul; seed < 12; seed++)
        {
            var spec = Shot(seed, 1 + (int)seed % 3);
            var clip = _stage.Draw(spec);
            var plate = _stage.Draw(spec.Plate);
            for (var i = 0; i < clip.Masks.Length; i++)
            {
                var difference = Difference(clip.Frames, plate.Frames, i);
                if (clip.Masks[i] != 0)
                {
                    inside++;
                    if (difference > 12) changed++;
                }
                // The half transparent rim of a cut-out is one pixel wide; everything else outside of masks is plate or shade.
                else if (!NearMask(clip, i))
                {
                    for (var c = 0; c < 3; c++)
                        Assert.InRange(clip.Frames[i * 3 + c], plate.Frames[i * 3 + c] * 0.55 - 4, plate.Frames[i * 3 + c] + 12);
                }
            }
        }
        Assert.True(inside > 100_000);
        Assert.True(changed > inside * 0.9, $"only {changed} of {inside} masked pixels differ from the plate");
    }

    [Fact]
    public void A_plate_is_empty_and_does_not_depend_on_who_was_there()
    {
        var location = new Location(Place.Kitchen);
        var man = new Role(Person.Draw(new Chance(1), Kind.Man), Blocking.Stay(Doing.Wave, 100));
        var other = new Role(Person.Draw(new Chance(2), Kind.Man) with { Height = man.Person.Height }, Blocking.Stay(Doing.Stand, 60));
        var (a, b) = (new ShotSpec(location, ShotSize.Medium, CameraMove.PanLeft, [man]), new ShotSpec(location, ShotSize.Medium,
            CameraMove.PanLeft, [other]));
        var plate = _stage.Draw(a.Plate);
        Assert.Equal(plate.Frames, _stage.Draw(b.Plate).Frames);
        Assert.All(plate.Masks, mask => Assert.Equal(0, mask));
        Assert.All(plate.Seen, Assert.Empty);
    }

    [Fact]
    public void Boxes_enclose_masks_tightly_and_count_them()
    {
        for (var seed = 20ul; seed < 28; seed++)
        {
            var clip = _stage.Draw(Shot(seed, 2));
            for (var frame = 0; frame < clip.Seen.Count; frame++)
                for (var role = 0; role < 2; role++)
                {
                    var sighting = clip.Seen[frame][role];
                    var pixels = Enumerable.Range(0, 224 * 128).Where(i => clip.Masks[frame * 224 * 128 + i] == role + 1).ToList();
                    Assert.Equal(pixels.Count, sighting.Pixels);
                    if (pixels.Count == 0) continue;
                    Assert.Equal(new PixelBox(pixels.Min(i => i % 224), pixels.Min(i => i / 224), pixels.Max(i => i % 224),
                        pixels.Max(i => i / 224)), sighting.Box);
                }
        }
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(112, 64)]
    [InlineData(90, 160)]
    [InlineData(97, 33)]
    [InlineData(832, 480)]
    public void Any_size_draws_and_shows_the_person(int width, int height)
    {
        using var stage = new Stage(width, height);
        var person = Person.Draw(new Chance(3), Kind.Woman);
        var clip = stage.Draw(new(new(Place.Park), ShotSize.Wide, CameraMove.ZoomIn, [new(person, Blocking.Stay(Doing.Wave, 112))],
            Frames: 3));
        Assert.Equal(3 * width * height * 3, clip.Frames.Length);
        Assert.All(clip.Seen, seen => Assert.True(seen[0].Visible));
        // A woman in a wide shot is about six tenths of the stage high, whatever the number of pixels.
        Assert.InRange(clip.Seen[0][0].Pixels / (double)(width * height), 0.02, 0.35);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Whoever_enters_from_a_side_crosses_that_edge_of_the_frame(int side)
    {
        foreach (var size in Enum.GetValues<ShotSize>())
        {
            var frame = new ShotSpec(new(Place.Street), size, CameraMove.PanRight, []);
            var clip = _stage.Draw(frame with
            {
                Roles = [new(Person.Draw(new Chance(7)), Blocking.Enter(frame, side, 112 + side * 10, 0,
                0.8, Doing.Wave))]
            });
            Assert.Equal(0, clip.Seen[0][0].Pixels);
            Assert.Equal(side, clip.Seen.First(seen => seen[0].Pixels > 0)[0].AtEdge);
            Assert.True(clip.Seen[^1][0] is { Visible: true, AtEdge: 0 });
        }
    }

    [Fact]
    public void Whoever_leaves_crosses_the_edge_and_is_gone()
    {
        var frame = new ShotSpec(new(Place.Snow), ShotSize.Wide, CameraMove.Static, []);
        var clip = _stage.Draw(frame with { Roles = [new(Person.Draw(new Chance(8)), Blocking.Exit(frame, -1, 70, 0.2, 1, Doing.Stand))] });
        Assert.True(clip.Seen[0][0].Visible);
        Assert.Equal(-1, clip.Seen.Last(seen => seen[0].Pixels > 0)[0].AtEdge);
        Assert.Equal(0, clip.Seen[^1][0].Pixels);
    }

    [Fact]
    public void Whoever_uses_a_door_is_first_seen_inside_its_frame_while_it_stands_open()
    {
        foreach (var place in new[] { Place.Kitchen, Place.Bedroom, Place.LivingRoom, Place.Library })
            foreach (var mirrored in new[] { false, true })
            {
                var frame = new ShotSpec(new(place, Mirrored: mirrored), ShotSize.Wide, CameraMove.Static, []);
                var clip = _stage.Draw(frame with
                {
                    Roles = [new(Person.Draw(new Chance(9)), Blocking.EnterByDoor(frame, 112, 0.06, 0.9,
                    Doing.Stand))]
                });
                Assert.Equal(0, clip.Seen[0][0].Pixels);
                Assert.DoesNotContain(Clip.OpenDoor, clip.Mask(0).ToArray());
                var first = Enumerable.Range(0, 17).First(i => clip.Seen[i][0].Pixels > 0);
                Assert.True(clip.Seen[first][0].InDoor);
                Assert.Contains(Clip.OpenDoor, clip.Mask(first).ToArray());
                Assert.InRange(clip.Seen[first][0].Box.Left, frame.Location.Door!.Value - 19, frame.Location.Door.Value + 19);
                Assert.InRange(clip.Seen[first][0].Box.Right, frame.Location.Door.Value - 19, frame.Location.Door.Value + 19);
                Assert.False(clip.Seen[^1][0].InDoor);
            }
    }

    [Fact]
    public void Legs_that_walk_are_seen_apart()
    {
        var person = new Person(Kind.Man, Skin.Pale, HairColour.Black, HairStyle.Cropped, TopColour.Red);
        var clip = _stage.Draw(new(new(Place.Plain), ShotSize.Wide, CameraMove.Static,
            [new(person, [new(0, 1, Doing.Walk, new(70), new(150))])]));
        var apart = Enumerable.Range(0, clip.Seen.Count).Count(frame =>
        {
            // Near the ground some row of the mask has a gap between two legs.
            var box = clip.Seen[frame][0].Box;
            return Enumerable.Range(box.Bottom - 12, 10).Any(y =>
            {
                var row = Enumerable.Range(box.Left, box.Right - box.Left + 1).Select(x => clip.Masks[(frame * 128 + y) * 224 + x])
                    .ToList();
                var (a, b) = (row.IndexOf(1), row.LastIndexOf(1));
                return a >= 0 && row[a..b].Contains(0);
            });
        });
        Assert.InRange(apart, 6, 17);
    }

    [Fact]
    public void Work_grows_with_people_and_frames_and_a_place_is_drawn_once()
    {
        var person = Person.Draw(new Chance(5));
        ShotSpec With(int people) => new(new(Place.City), ShotSize.Wide, CameraMove.PanLeft,
            [.. Enumerable.Range(0, people).Select(i => new Role(person, Blocking.Stay(Doing.Stand, 60 + 50 * i)))]);
        long Work(int people)
        {
            var before = _stage.Drawn;
            _stage.Draw(With(people));
            return _stage.Drawn - before;
        }
        Assert.Equal(1, Work(0));
        Assert.Equal(17, Work(1));
        Assert.Equal(51, Work(3));
    }

    [Fact]
    public void A_broken_spec_is_refused_with_its_reason()
    {
        var person = Person.Draw(new Chance(1));
        ShotSpec With(params Beat[] beats) => new(new(Place.Park), ShotSize.Wide, CameraMove.Static, [new(person, beats)]);
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => _stage.Draw(With())).Message);
        Assert.Contains("must end at 1", Assert.Throws<ArgumentException>(() => _stage.Draw(With(Beat.At(0, 0.5, Doing.Stand, new(9)))))
            .Message);
        Assert.Contains("does not follow", Assert.Throws<ArgumentException>(() => _stage.Draw(With(Beat.At(0.5, 1, Doing.Stand, new(9)))))
            .Message);
        var crowd = With(Beat.At(0, 1, Doing.Stand, new(9))).Roles[0];
        Assert.Contains("room for 3", Assert.Throws<ArgumentException>(() =>
            _stage.Draw(new(new(Place.Park), ShotSize.Wide, CameraMove.Static, [crowd, crowd, crowd, crowd]))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Stage(8, 128));
    }

    static int Difference(byte[] a, byte[] b, int pixel) =>
        Math.Abs(a[pixel * 3] - b[pixel * 3]) + Math.Abs(a[pixel * 3 + 1] - b[pixel * 3 + 1])
            + Math.Abs(a[pixel * 3 + 2] - b[pixel * 3 + 2]);

    static bool NearMask(Clip clip, int index)
    {
        var (frame, y, x) = (index / (128 * 224), index / 224 % 128, index % 224);
        for (var dy = -2; dy <= 2; dy++)
            for (var dx = -2; dx <= 2; dx++)
                if (y + dy is >= 0 and < 128 && x + dx is >= 0 and < 224 && clip.Masks[(frame * 128 + y + dy) * 224 + x
                + dx] != 0) return true;
        return false;
    }
}
