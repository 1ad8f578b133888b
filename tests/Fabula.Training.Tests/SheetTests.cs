using Fabula.Training.PaperTheatre;

namespace Fabula.Training.Tests;

public class SheetTests
{
    /// <summary>The sheets are left beside the tests, to be looked at and copied into docs/paper-theatre after a change of the
    /// drawing.</summary>
    [Fact]
    public void The_contact_sheets_of_the_page_are_small_and_have_their_size()
    {
        foreach (var (name, draw, width, height) in new (string, Action<Stream>, int, int)[]
        {
            ("people", Sheets.People, 3 * 227 + 3, 6 * 131 + 3), ("shots", Sheets.Shots, 4 * 227 + 3, 6 * 131 + 3),
        })
        {
            var path = Path.Combine(AppContext.BaseDirectory, $"{name}.png");
            using (var file = File.Create(path)) draw(file);
            var bytes = File.ReadAllBytes(path);
            Assert.InRange(bytes.Length, 100_000, 300_000);
            Assert.Equal(Header(width, height), bytes[16..24]);
            Assert.Equal(Header(width, height), File.ReadAllBytes(Path.Combine(Repository.Root, $"docs/paper-theatre/{name}.png"))[16..24]);
        }

        static byte[] Header(int width, int height) =>
            [(byte)(width >> 24), (byte)(width >> 16), (byte)(width >> 8), (byte)width, (byte)(height >> 24), (byte)(height >> 16),
                (byte)(height >> 8), (byte)height];
    }
}
