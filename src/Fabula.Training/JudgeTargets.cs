// The truth of a batch of frames as the tensors that the judge's losses compare with.
using Fabula.Torch;

namespace Fabula.Training;

/// <summary>All on the CPU; P people in B frames.</summary>
/// <param name="Middles">[B, 16, 28]: 1 in the cell of each person's middle.</param>
/// <param name="Elsewhere">[B, 16, 28]: how much each other cell counts as empty.</param>
/// <param name="Frames">[B, 22]: weights of the right answers about frames, 0 elsewhere.</param>
/// <param name="Boxes">[B, slots, 4]: middle and size as shares of the frame, a little off as found boxes are.</param>
/// <param name="Which">[P]: rows of [B * slots] that hold somebody.</param>
/// <param name="Cells">[P]: rows of [B * 16 * 28] of their middles.</param>
/// <param name="Offsets">[P, 4]: what the box map should say there.</param>
/// <param name="Answers">[P, 40]: weights of the right answers about people.</param>
public sealed record JudgeTargets(int People, Tensor Middles, Tensor Elsewhere, Tensor Frames, Tensor Boxes, Tensor Which, Tensor Cells,
    Tensor Offsets, Tensor Answers)
{
    const int Rows = JudgeConfig.Rows, Columns = JudgeConfig.Columns, Cell = JudgeConfig.Stride;

    /// <summary>How much it counts what somebody half hidden looks like.</summary>
    const float Half = 0.3f;

    public static JudgeTargets Of(IReadOnlyList<Lesson> lessons, int slots)
    {
        var n = lessons.Count;
        var (middles, elsewhere) = (new float[n * Rows * Columns], new float[n * Rows * Columns]);
        var (frames, boxes) = (new List<float>(), new float[n * slots * 4]);
        var (which, cells, offsets, answers) = (new List<long>(), new List<long>(), new List<float>(), new List<float>());
        elsewhere.AsSpan().Fill(1);
        for (var i = 0; i < n; i++)
        {
            var lesson = lessons[i];
            Add(frames, JudgeQuestions.OfFrames, JudgeQuestions.Answers(lesson.Truth.Location), question =>
                question == "time" && lesson.Truth.Location.Place == PaperTheatre.Place.Plain ? 0 : 1);
            foreach (var (slot, person) in lesson.Truth.People.Take(slots).Index())
            {
                var (x, y) = (person.X + lesson.ShiftX, person.Y + lesson.ShiftY);
                var column = Math.Clamp((int)(x / Cell), 0, Columns - 1);
                var row = Math.Clamp((int)(y / Cell), 0, Rows - 1);
                Mark(middles.AsSpan(i * Rows * Columns, Rows * Columns), elsewhere.AsSpan(i * Rows * Columns, Rows * Columns), row, column,
                    person);
                which.Add(i * slots + slot);
                cells.Add((i * Rows + row) * Columns + column);
                offsets.AddRange([(float)(x / Cell - column - 0.5), (float)(y / Cell - row - 0.5), (float)Math.Log(person.Width / Cell),
                    (float)Math.Log(person.Height / Cell)]);
                // A found box is off by some per cent; the number comes from the truth itself, so that it is the same in every run.
                var chance = new Chance((ulong)(person.Pixels * 31 + lesson.ShiftX * 7 + lesson.ShiftY + slot));
                double Off(string side) => chance[side].Between(-0.07, 0.07);
                Judge.Shares(x + Off("x") * person.Width, y + Off("y") * person.Height, person.Width * (1 + Off("width")),
                    person.Height * (1 + Off("height"))).CopyTo(boxes.AsSpan((i * slots + slot) * 4));
                var question = 0;
                Add(answers, JudgeQuestions.OfPeople, JudgeQuestions.Answers(person.Person), _ =>
                    person.Shows[question++] ? person.Whole ? 1 : Half : 0);
            }
        }
        var people = which.Count;
        return new(people, Tensor.From(middles, n, Rows, Columns), Tensor.From(elsewhere, n, Rows, Columns),
            Tensor.From(frames.ToArray(), n, frames.Count / n), Tensor.From(boxes, n, slots, 4), Tensor.From(which.ToArray(), people),
            Tensor.From(cells.ToArray(), people), Tensor.From(offsets.ToArray(), people, 4),
            Tensor.From(answers.ToArray(), people, people == 0 ? 0 : answers.Count / people));
    }

    static void Mark(Span<float> middles, Span<float> elsewhere, int row, int column, TruePerson person)
    {
        var (wide, high) = (Math.Max(0.6, person.Width / Cell / 6), Math.Max(0.6, person.Height / Cell / 6));
        for (var y = 0; y < Rows; y++)
            for (var x = 0; x < Columns; x++)
            {
                var near = Math.Exp(-(Square((x - column) / wide) + Square((y - row) / high)) / 2);
                elsewhere[y * Columns + x] = Math.Min(elsewhere[y * Columns + x], (float)Math.Pow(1 - near, 4));
            }
        (middles[row * Columns + column], elsewhere[row * Columns + column]) = (1, 0);
    }

    static void Add(List<float> all, IReadOnlyList<Question> questions, int[] right, Func<string, float> weight)
    {
        for (var i = 0; i < questions.Count; i++)
        {
            var start = all.Count;
            all.AddRange(new float[questions[i].Choices]);
            all[start + right[i]] = weight(questions[i].Name);
        }
    }

    static double Square(double value) => value * value;
}
