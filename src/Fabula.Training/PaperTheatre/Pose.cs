// From a role's beats to where a person is and how the body is held at one moment. Feet that walk do not slide: the length of a step
// follows from the way and the pace. Angles are radians from straight down, positive towards the right of the stage.
namespace Fabula.Training.PaperTheatre;

readonly record struct Arm(double Upper, double Fore);
readonly record struct Leg(double Thigh, double Shin);

/// <param name="Face">-1 profile to the left .. 0 front .. 1 profile to the right.</param>
/// <param name="Lift">How high the lower foot is above the ground, in figure units (a standing man is 62 high).</param>
/// <param name="Seated">0 stands, 1 sits.</param>
/// <param name="Mouth">0 a closed smile, 1 wide open.</param>
readonly record struct Pose(Doing Doing, Spot Spot, double Face, Leg LeftLeg, Leg RightLeg, Arm LeftArm, Arm RightArm,
    double Lift, double Lean, double Seated, double Mouth, bool Blink)
{
    /// <summary>The beat that a moment belongs to.</summary>
    public static Beat BeatAt(Role role, double t)
    {
        foreach (var beat in role.Beats)
            if (t < beat.End) return beat;
        return role.Beats[^1];
    }

    /// <summary>Where somebody stands at time t in 0..1.</summary>
    public static Spot SpotAt(Role role, double t)
    {
        var beat = BeatAt(role, t);
        var u = Progress(beat, t);
        return new(Lerp(beat.From.X, beat.To.X, u), Lerp(beat.From.Depth, beat.To.Depth, u));
    }

    /// <param name="seconds">The length of the whole shot, for the pace of steps and gestures.</param>
    public static Pose At(Role role, double t, double seconds)
    {
        var beat = BeatAt(role, t);
        var (u, spot) = (Progress(beat, t), SpotAt(role, t));
        var now = (t - beat.Start) * seconds;
        var length = Math.Max(1e-3, (beat.End - beat.Start) * seconds);
        var way = beat.To.X - beat.From.X;
        var moves = beat.Doing is Doing.Walk or Doing.Run;
        var face = moves ? (Math.Abs(way) < 12 ? way / 20 : Math.Sign(way)) * 0.9 : beat.Facing;
        if (beat.Doing == Doing.Sit) face = (face < 0 ? -1 : 1) * Math.Max(0.6, Math.Abs(face));
        var side = face < 0 ? -1 : 1;
        // Everybody breathes and blinks at a time of their own.
        var own = Chance.Hash(role.Person.ToString()) % 1000 / 1000.0;
        var clock = t * seconds;
        var pose = new Pose(beat.Doing, spot, face, default, default, new(-0.16, -0.05 + 0.1 * Math.Max(0, face)),
            new(0.16, 0.05 + 0.1 * Math.Min(0, face)), 0, 0, 0, 0, clock > 0.2 && (clock + own * 3) % 2.6 < 0.13);
        pose = beat.Doing switch
        {
            Doing.Walk => pose.Striding(side, now, length, way, role.Person.Size, 1.05, 0.26, 0.62, running: false),
            Doing.Run => pose.Striding(side, now, length, way, role.Person.Size, 1.7, 0.55, 0.85, running: true),
            Doing.Wave => pose.WithNear(side, new(side * 1.65, side * (2.4 + 0.55 * Math.Sin(Math.Tau * 1.5 * now)))) with { Mouth = 0.35 },
            Doing.Point => pose.WithNear(side, new(side * (1.5 * Smooth(u / 0.2)), side * (1.55 * Smooth(u / 0.2)))),
            Doing.Talk => pose.WithNear(side, new(side * (0.35 + 0.15 * Math.Sin(5 * now)),
                side * (1.5 + 0.55 * Math.Sin(7 * now + own * 6))))
                with
            { Mouth = 0.15 + 0.85 * Math.Abs(Math.Sin(Math.PI * 2.1 * now + own)), Lean = 0.03 * Math.Sin(3 * now) },
            Doing.Jump => pose.Jumping(now / length * Math.Max(1, Math.Round(length / 0.95))),
            Doing.Sit => pose.Sitting(side, beat.Start <= 0 ? 1 : Smooth(u / 0.35)),
            _ => pose,
        };
        return role.Carries is { } thing ? pose.Holding(thing, side) : pose;
    }

    Pose Striding(double side, double now, double length, double way, double size, double pace, double least, double most, bool running)
    {
        var cycles = length * pace;
        var swing = Math.Clamp(Math.Asin(Math.Min(0.9, Math.Abs(way) / (cycles * 4 * size * 0.32))), least, most);
        var phase = Math.Tau * pace * now;
        Leg Step(double at)
        {
            var thigh = swing * Math.Sin(at) + (running ? 0.15 : 0.03);
            var knee = (running ? 1.3 : 0.75) * Math.Max(0, Math.Cos(at)) + (running ? 0.2 : 0.04);
            return new(side * thigh, side * (thigh - knee));
        }
        Arm Swing(double at)
        {
            var upper = -(running ? 0.9 : 0.75) * swing * Math.Sin(at);
            return new(side * upper, side * (upper + (running ? 1.5 : 0.3)));
        }
        return this with
        {
            LeftLeg = Step(phase),
            RightLeg = Step(phase + Math.PI),
            LeftArm = Swing(phase),
            RightArm = Swing(phase + Math.PI),
            Lean = side * (running ? 0.16 : 0.03),
            Lift = running ? 2.5 * Math.Abs(Math.Cos(phase)) : 0,
            Mouth = running ? 0.3 : 0,
        };
    }

    Pose Jumping(double jumps)
    {
        var u = jumps - Math.Floor(jumps);
        var flight = Math.Clamp((u - 0.22) / 0.6, 0, 1);
        var high = 4 * flight * (1 - flight);
        var crouch = u < 0.22 ? Math.Sin(Math.PI * u / 0.22) : u > 0.82 ? Math.Sin(Math.PI * (u - 0.82) / 0.18) : 0;
        var knee = 0.75 * crouch + 0.35 * high;
        return this with
        {
            LeftLeg = new(-knee, knee * 0.6),
            RightLeg = new(knee, -knee * 0.6),
            Lift = 13 * high,
            Mouth = high > 0.3 ? 0.8 : 0.1,
            LeftArm = new(-0.3 - 2.0 * high, -0.3 - 2.4 * high),
            RightArm = new(0.3 + 2.0 * high, 0.3 + 2.4 * high),
        };
    }

    Pose Sitting(double side, double seated) => this with
    {
        Seated = seated,
        LeftLeg = new(side * 1.42 * seated, side * 0.12 * seated),
        RightLeg = new(side * 1.3 * seated,
            -side * 0.05 * seated),
        LeftArm = new(side * 0.35 * seated, side * 1.0 * seated),
        RightArm = new(side * 0.25 * seated, side * 0.9 * seated),
    };

    Pose Holding(Carried thing, double side) => thing switch
    {
        Carried.Box or Carried.Teddy or Carried.Book when Math.Abs(Face) < 0.5 =>
            this with { LeftArm = new(-0.25, 1.0), RightArm = new(0.25, -1.0) },
        Carried.Box or Carried.Teddy or Carried.Book =>
            this with { LeftArm = new(side * 0.35, side * 1.45), RightArm = new(side * 0.3, side * 1.4) },
        Carried.Balloon or Carried.Umbrella or Carried.Flowers => Math.Abs(Face) < 0.5 ? WithFar(side, new(-side * 0.55, -side * 2.0))
            : WithFar(side, new(side * 0.6, side * 1.9)),
        _ => WithFar(side, new(-side * 0.22, -side * 0.12)),
    };

    Pose WithNear(double side, Arm arm) => side < 0 ? this with { LeftArm = arm } : this with { RightArm = arm };
    Pose WithFar(double side, Arm arm) => side < 0 ? this with { RightArm = arm } : this with { LeftArm = arm };

    static double Progress(Beat beat, double t) => Math.Clamp((t - beat.Start) / Math.Max(1e-9, beat.End - beat.Start), 0, 1);
    static double Lerp(double a, double b, double u) => a + (b - a) * u;
    static double Smooth(double u) => u <= 0 ? 0 : u >= 1 ? 1 : u * u * (3 - 2 * u);
}
