// The network of the judge: it reads one frame of the paper theatre. It says where it plays, at what time of day, with which accent
// colour, and for everybody who is seen: where, and with which kind, skin, hair, top and hat.
//
// People are found as peaks of a heat map of box centres with the box's size beside it (Zhou, Wang, Kraehenbuehl: "Objects as Points",
// 2019). Their attributes are read from the features inside the box, sampled to a fixed grid (He and others: "Mask R-CNN", 2017, section
// 3). No norm: the absolute colour counts. Letters: B frames, P people, C channels; 128 x 224 pixels, strides 4, 8 and 16.
using Fabula.Torch;

namespace Fabula.Training;

/// <param name="Stem">Channels at half the frame's size; then at a quarter, an eighth and a sixteenth.</param>
/// <param name="Person">Length of the embedding of a person, and of the whole frame.</param>
public sealed record JudgeConfig(int Stem = 16, int Fine = 32, int Middle = 64, int Coarse = 96, int Person = 128)
{
    public const int Width = 224, Height = 128, Stride = 8, Columns = Width / Stride, Rows = Height / Stride;
}

/// <summary>What the network says about whole frames. Heat [B, 16, 28] and Boxes [B, 4, 16, 28] (offset of the centre from the middle of
/// the cell, in cells, and logarithms of width and height in cells); Logits [B, 22]; Embedding [B, Person].</summary>
public sealed record JudgeMaps(Tensor Stem, Tensor Fine, Tensor Merged, Tensor Heat, Tensor Boxes, Tensor Logits, Tensor Embedding);

public sealed class JudgeNet
{
    /// <summary>The grids that a person's box is sampled to, and its upper end, where kind, hair and hat are told apart.</summary>
    const int Tall = 20, Broad = 10, Head = 16;

    /// <summary>Of a box, which part is looked at closely.</summary>
    const double HeadShare = 0.45;

    static readonly Op Sample = new("aten::grid_sampler");
    readonly Conv _stem, _fine, _middle, _coarse, _coarseA, _coarseB, _across, _merge, _heat, _boxes, _personA, _personB, _personC,
        _headA, _headB, _headC;
    readonly Linear _whole, _answers, _person, _head, _attributes;

    public JudgeNet(Weights weights, JudgeConfig config)
    {
        Conv Three(string name, int inputs, int outputs, int stride = 1) =>
            new(weights[name], inputs, outputs, [3, 3], [stride, stride], [1, 1]);
        (_stem, _fine) = (Three("stem", 3, config.Stem, 2), Three("fine", config.Stem, config.Fine, 2));
        (_middle, _coarse) = (Three("middle", config.Fine, config.Middle, 2), Three("coarse", config.Middle, config.Coarse, 2));
        (_coarseA, _coarseB) = (Three("coarse_a", config.Coarse, config.Coarse), Three("coarse_b", config.Coarse, config.Coarse));
        _across = new(weights["across"], config.Coarse, config.Middle, [1, 1]);
        _merge = Three("merge", config.Middle, config.Middle);
        (_heat, _boxes) = (new(weights["heat"], config.Middle, 1, [1, 1]), new(weights["boxes"], config.Middle, 4, [1, 1]));
        _whole = new(weights["whole"], 2 * config.Coarse + config.Fine, config.Person);
        _answers = new(weights["answers"], config.Person, JudgeQuestions.OfFrames.Sum(question => question.Choices));
        _personA = Three("person_a", config.Stem + config.Fine, config.Stem + config.Fine);
        _personB = Three("person_b", config.Stem + config.Fine, config.Middle, 2);
        _personC = Three("person_c", 2 * config.Middle, config.Person, 2);
        _headA = Three("head_a", config.Stem + config.Fine, config.Middle);
        _headB = Three("head_b", config.Middle, config.Middle, 2);
        _headC = Three("head_c", config.Middle, config.Middle, 2);
        _head = new(weights["head"], config.Middle * (Head / 4) * (Head / 4), config.Person);
        _person = new(weights["person"], config.Person * (Tall / 4) * ((Broad + 3) / 4) + 4, config.Person);
        _attributes = new(weights["attributes"], config.Person, JudgeQuestions.OfPeople.Sum(question => question.Choices));
    }

    /// <summary>x [B, 3, 128, 224] with colours from -1 to 1.</summary>
    public JudgeMaps Forward(Tensor x)
    {
        var stem = _stem.Forward(x).Relu();                                                        // [B, Stem, 64, 112]
        var fine = _fine.Forward(stem).Relu();                                                     // [B, Fine, 32, 56]
        var middle = _middle.Forward(fine).Relu();                                                 // [B, Middle, 16, 28]
        var coarse = _coarse.Forward(middle).Relu();                                               // [B, Coarse, 8, 14]
        coarse = coarse + _coarseA.Forward(coarse).Relu();
        coarse = coarse + _coarseB.Forward(coarse).Relu();
        var merged = middle + _across.Forward(coarse).ResizeBilinear(JudgeConfig.Rows, JudgeConfig.Columns);
        merged = merged + _merge.Forward(merged.Relu()).Relu();                                    // [B, Middle, 16, 28]
        var flat = coarse.Flatten(2);                                                              // [B, Coarse, 112]
        var whole = _whole.Forward(Tensor.Cat(1, flat.Mean(-1), flat.Max(-1), fine.Flatten(2).Mean(-1))).Relu();
        return new(stem, fine, merged, _heat.Forward(merged).Squeeze(1), _boxes.Forward(merged), _answers.Forward(whole), whole);
    }

    /// <summary>Attributes of people in boxes.</summary>
    /// <param name="boxes">[B, K, 4] on the CPU: middle x and y, width and height, as shares of the frame's width and height.</param>
    /// <param name="which">[P] i64: the rows of [B * K] that hold somebody.</param>
    /// <returns>Logits [P, 40] and embeddings [P, Person].</returns>
    public (Tensor Logits, Tensor Embedding) People(JudgeMaps maps, Tensor boxes, Tensor which)
    {
        var (frames, slots) = (boxes.Size(0), boxes.Size(1));
        var places = boxes.Reshape(-1, 4).IndexSelect(0, which);                                   // [P, 4]
        var sharp = Within(maps.Stem, boxes, frames, slots, Tall, Broad, which);                   // [P, Stem, 20, 10]
        var close = Within(maps.Fine, boxes, frames, slots, Tall, Broad, which);                   // [P, Fine, 20, 10]
        var context = Within(maps.Merged, boxes, frames, slots, Tall / 2, Broad / 2, which);       // [P, Middle, 10, 5]
        var person = Tensor.Cat(1, sharp, close);
        person = person + _personA.Forward(person).Relu();
        person = _personB.Forward(person).Relu();                                                  // [P, Middle, 10, 5]
        person = _personC.Forward(Tensor.Cat(1, person, context)).Relu();                          // [P, Person, 5, 3]
        var upper = Upper(boxes);
        var head = Tensor.Cat(1, Within(maps.Stem, upper, frames, slots, Head, Head, which),
            Within(maps.Fine, upper, frames, slots, Head, Head, which));                           // [P, Stem + Fine, 16, 16]
        head = _headC.Forward(_headB.Forward(_headA.Forward(head).Relu()).Relu()).Relu();          // [P, Middle, 4, 4]
        var embedding = (_person.Forward(Tensor.Cat(1, person.Flatten(1), places)) + _head.Forward(head.Flatten(1))).Relu();
        return (_attributes.Forward(embedding), embedding);
    }

    /// <summary>The upper part of boxes [B, K, 4].</summary>
    static Tensor Upper(Tensor boxes)
    {
        var (x, y, width, height) = (boxes.Narrow(2, 0, 1), boxes.Narrow(2, 1, 1), boxes.Narrow(2, 2, 1), boxes.Narrow(2, 3, 1));
        return Tensor.Cat(2, x, y - height * ((1 - HeadShare) / 2), width, height * HeadShare);
    }

    /// <summary>Features [B, C, h, w] at rows x columns points of each box, a tenth beyond its sides: [P, C, rows, columns].</summary>
    static Tensor Within(Tensor features, Tensor boxes, long frames, long slots, int rows, int columns, Tensor which)
    {
        const double Reach = 1.1;
        Tensor Points(int count, int axis)
        {
            // From -1 to 1 over the box, then over the frame, whose sides are -1 and 1 for the sampler.
            var at = (Tensor.Arange(0, count, DType.F32, Device.Cpu) + 0.5) * (2.0 / count) - 1;
            var middle = boxes.Narrow(2, axis, 1) * 2 - 1;                                         // [B, K, 1]
            return middle + boxes.Narrow(2, axis + 2, 1) * Reach * at;                             // [B, K, count]
        }
        var x = Points(columns, 0).Unsqueeze(2).Expand(frames, slots, rows, columns);
        var y = Points(rows, 1).Unsqueeze(3).Expand(frames, slots, rows, columns);
        var grid = Tensor.Stack(4, x, y).Reshape(frames, slots * rows, columns, 2);
        const int Bilinear = 0, Border = 1;
        var sampled = Sample.Call(features, grid, Bilinear, Border, false);                        // [B, C, K * rows, columns]
        return sampled.Reshape(frames, -1, slots, rows, columns).Permute(0, 2, 1, 3, 4).Reshape(frames * slots, -1, rows, columns)
            .IndexSelect(0, which);
    }
}
