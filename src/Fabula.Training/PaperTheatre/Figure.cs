// One paper person: big head, few shapes, every attribute of the record to be seen. Coordinates: the feet's middle is (0, 0), y up is
// negative, a person is about 62 units high and is scaled to their size. Order of drawing is from back to front.
namespace Fabula.Training.PaperTheatre;

static class Figure
{
    /// <summary>Leg, torso and head radius add up to 62 (leg + torso + 2 heads - 2).</summary>
    readonly record struct Build(double Leg, double Torso, double Head, double Shoulder);

    static Build Of(Kind kind) => kind switch
    {
        Kind.Man => new(21, 19, 12, 9),
        Kind.Woman => new(21, 18, 12.5, 6.8),
        Kind.OldMan => new(19, 19, 13, 8.2),
        Kind.OldWoman => new(18, 19, 13.5, 7.4),
        Kind.Boy => new(14, 17, 16.5, 6.8),
        _ => new(14, 17, 16.5, 6),
    };

    const double Units = 62;

    /// <summary>Draws with the pen at the feet's middle, in stage units.</summary>
    /// <param name="seatHeight">Of the seat under somebody who sits, in stage units.</param>
    public static void Draw(Canvas c, Person person, Pose pose, Carried? carries, double seatHeight)
    {
        var size = person.Size / Units;
        c.Save();
        c.Scale(size, size);
        var b = Of(person.Kind);
        var (f, side) = (pose.Face, pose.Face < 0 ? -1 : 1);
        var (skin, top, hair) = (Palette.Of(person.Skin), Palette.Of(person.Top), Palette.Of(person.Hair));
        var half = b.Leg / 2 - 1;
        double Reach(Leg leg) => half * (Math.Cos(leg.Thigh) + Math.Cos(leg.Shin));
        var standing = -Math.Max(Reach(pose.LeftLeg), Reach(pose.RightLeg)) - 2 - pose.Lift;
        var hip = standing + (Math.Min(standing, -seatHeight / size - 2.5) - standing) * pose.Seated;
        var shoulderY = hip - b.Torso + 3;
        var shoulder = b.Shoulder * (1 - 0.45 * Math.Abs(f));
        var head = (X: f * 1.5, Y: hip - b.Torso - b.Head + 2.5);
        var lean = pose.Lean + (person.Old ? 0.10 * (Math.Abs(f) < 0.2 ? 0 : f) : 0);

        Lean(() => Hair.Behind(c, person, head.X, head.Y, b.Head, f));
        Legs();
        Lean(() =>
        {
            FarArm();
            Torso();
            c.Box(head.X - 2.6, hip - b.Torso - 3, 5.2, 6);
            c.Fill(skin.Shade(0.86));
            Head.Draw(c, person, pose, head.X, head.Y, b.Head);
            NearArm();
        });
        if (person.Kind == Kind.OldMan && carries is null && pose.Doing is (Doing.Stand or Doing.Walk)) Cane();
        c.Restore();

        void Lean(Action draw)
        {
            c.Save();
            c.Translate(0, hip);
            c.Rotate(lean);
            c.Translate(0, -hip);
            draw();
            c.Restore();
        }

        void Legs()
        {
            var spread = (person.Female ? 3.2 : 4.2) * (1 - 0.55 * Math.Abs(f));
            var cloth = person.Female ? person.Kind == Kind.OldWoman ? new Colour(0.35, 0.30, 0.38) : skin : Palette.Of(person.Trousers);
            var width = person.Female ? 5.4 : 7;
            // The far leg is darker: that makes two legs of them when they cross.
            foreach (var (leg, at, light) in side > 0
                ? new[] { (pose.LeftLeg, -spread, 0.80), (pose.RightLeg, spread, 1.0) }
                : [(pose.RightLeg, spread, 0.80), (pose.LeftLeg, -spread, 1.0)])
            {
                var (kneeX, kneeY) = (at + half * Math.Sin(leg.Thigh), hip + half * Math.Cos(leg.Thigh));
                var (footX, footY) = (kneeX + half * Math.Sin(leg.Shin), kneeY + half * Math.Cos(leg.Shin));
                var shin = person.Kind == Kind.Boy ? skin : cloth;
                c.Move(kneeX, kneeY);
                c.Line(footX, footY);
                c.Stroke(shin.Shade(light), person.Kind == Kind.Boy ? 5.2 : width - 0.4);
                c.Move(at, hip);
                c.Line(kneeX, kneeY);
                c.Stroke(cloth.Shade(light), person.Kind == Kind.Boy ? 7.6 : width);
                if (person.Kind == Kind.Girl)
                {
                    c.Move(footX + (kneeX - footX) * 0.3, footY + (kneeY - footY) * 0.3);
                    c.Line(footX, footY);
                    c.Stroke(new(0.97, 0.96, 0.95), 5.2);
                }
                c.Ellipse(footX + f * 2.2 + Math.Sign(at) * (1 - Math.Abs(f)) * 0.8, footY + 0.2, 4.6, 2.7);
                c.Fill((person.Female ? new Colour(0.55, 0.16, 0.22) : new(0.26, 0.16, 0.12)).Shade(light));
            }
        }

        void Torso()
        {
            var (up, low) = (hip - b.Torso, hip + 2.0);
            if (person.Female)
            {
                var hem = person.Kind switch { Kind.OldWoman => 11.5, Kind.Woman => 8.5, _ => 6.5 } * (1 - 0.6 * pose.Seated);
                var flare = person.Kind == Kind.OldWoman ? 10.5 : b.Torso * 0.62;
                var lap = side * 6 * pose.Seated;
                void Dress()
                {
                    c.Move(-shoulder + 0.5, up + 2.5);
                    c.Curve(-shoulder * 0.6, up - 1.5, shoulder * 0.6, up - 1.5, shoulder - 0.5, up + 2.5);
                    c.Curve(shoulder * 0.75, hip - 7, shoulder, hip - 3, flare + Math.Max(0, lap), hip + hem);
                    c.Curve(5, hip + hem + 2.6, -5, hip + hem + 2.6, -flare + Math.Min(0, lap), hip + hem);
                    c.Curve(-shoulder, hip - 3, -shoulder * 0.75, hip - 7, -shoulder + 0.5, up + 2.5);
                    c.Close();
                }
                Patterned(Dress, up, hip + hem + 3);
                c.RoundBox(-shoulder * 0.86, hip - 6.6, shoulder * 1.72, 2.2, 1);
                c.Fill(top.Shade(0.66));
                if (person.Kind == Kind.OldWoman)
                {
                    // The shawl of old women: the same colour, lighter, so that the colour stays one.
                    c.Polygon(-shoulder - 2.4, up + 3, 0, up - 2, shoulder + 2.4, up + 3, shoulder + 1, up + 9, f * 3, up + 13,
                        -shoulder - 1, up + 9);
                    c.Fill(top.Mix(new(1, 1, 1), 0.45));
                    c.Circle(f * 3, up + 4.5, 1.5);
                    c.Fill(new(0.95, 0.75, 0.25));
                }
                return;
            }
            var tail = person.Pattern == Pattern.Buttoned ? 3 : 0;
            Patterned(() => c.RoundBox(-shoulder, up, shoulder * 2, low - up + tail, 5), up, low + 3);
            if (person.Pattern != Pattern.Buttoned)
            {
                c.RoundBox(-shoulder * 0.95, hip - 0.6, shoulder * 1.9, 3.6, 1.6);
                c.Fill(Palette.Of(person.Trousers));
            }
            if (person.Kind == Kind.OldMan)
            {
                // Braces and a bow tie say "old man" from afar.
                foreach (var at in (ReadOnlySpan<double>)[-0.52, 0.52])
                {
                    c.Move(at * shoulder + f * 2, up + 1.5);
                    c.Line(at * shoulder + f * 2, hip);
                    c.Stroke(new(0.30, 0.20, 0.16), 1.7);
                }
                c.Polygon(f * 3 - 4, up + 0.5, f * 3 + 4, up + 5, f * 3 + 4, up + 0.5, f * 3 - 4, up + 5);
                c.Fill(Palette.Ink);
            }
        }

        void Patterned(Action shape, double up, double low)
        {
            shape();
            c.FillAndKeep(top);
            c.Save();
            c.Clip();
            if (person.Pattern == Pattern.Striped)
                for (var y = up + 4; y < low; y += 5.4)
                {
                    c.Box(-20, y, 40, 2.1);
                    c.Fill(person.Top == TopColour.White ? new(0.35, 0.38, 0.50) : new(0.98, 0.97, 0.95));
                }
            // One soft fold of shade on the side away from where the person looks.
            c.Box(-side * 20 - (side < 0 ? 16.5 : -16.5) - (side > 0 ? 16.5 : 0), up, 16.5 - shoulder * 0.35, 60);
            c.Fill(Palette.Shadow.With(0.10));
            c.Restore();
            if (person.Pattern == Pattern.Buttoned)
            {
                c.Move(f * 3, up + 2);
                c.Line(f * 3, low - 3);
                c.Stroke(top.Shade(0.6), 0.9);
                for (var i = 0; i < 3; i++) c.Circle(f * 3, up + 6 + i * 4.6, 1.35);
                c.Fill(person.Top == TopColour.White ? new(0.35, 0.38, 0.50) : new(0.99, 0.95, 0.80));
            }
        }

        void FarArm() => DrawArm(side > 0 ? pose.LeftArm : pose.RightArm, -side, 0.78, far: true);
        void NearArm() => DrawArm(side > 0 ? pose.RightArm : pose.LeftArm, side, 0.90, far: false);

        void DrawArm(Arm arm, double at, double light, bool far)
        {
            var length = b.Torso * (person.Child ? 0.58 : 0.47);
            var x = at * (shoulder - 0.8) * (Math.Abs(f) > 0.7 && !far ? -0.1 : 1);
            var (elbowX, elbowY) = (x + length * Math.Sin(arm.Upper), shoulderY + length * Math.Cos(arm.Upper));
            var (handX, handY) = (elbowX + length * Math.Sin(arm.Fore), elbowY + length * Math.Cos(arm.Fore));
            var heldHere = carries is { } held && (far ? !Props.InBothHands(held) : Props.InBothHands(held));
            if (heldHere && carries is (Carried.Balloon or Carried.Umbrella)) Props.DrawCarried(c, carries!.Value, handX, handY, side);
            c.Move(elbowX, elbowY);
            c.Line(handX, handY);
            c.Stroke(person.Child ? skin.Shade(light + 0.08) : top.Shade(light), person.Female ? 4.4 : 5.2);
            c.Move(x, shoulderY);
            c.Line(elbowX, elbowY);
            c.Stroke(top.Shade(light), person.Female ? 4.8 : 5.8);
            if (heldHere && carries is not (Carried.Balloon or Carried.Umbrella))
            {
                var middle = Props.InBothHands(carries!.Value) ? (X: f * 9, Y: shoulderY + 7) : (X: handX, Y: handY);
                c.Save();
                c.Translate(middle.X, middle.Y);
                c.Scale(1.25, 1.25);
                Props.DrawCarried(c, carries.Value, 0, 0, side);
                c.Restore();
            }
            c.Circle(handX, handY, 3.0);
            c.Fill(skin.Shade(far ? 0.92 : 1));
        }

        void Cane()
        {
            var x = side * (shoulder + 6);
            c.Arc(x - side * 2.4, hip - 3, 2.4, Math.PI, Math.Tau);
            c.Stroke(new(0.40, 0.24, 0.13), 1.8);
            c.Move(x, hip - 3);
            c.Line(x + side * 1.2, -0.5);
            c.Stroke(new(0.40, 0.24, 0.13), 1.8);
        }
    }
}
