// Reads a picture (binary PPM, 8 bits), computes its label map with OpenVINO, writes it as PGM:
//
//     label_map MODEL.onnx PICTURE.ppm LABEL_MAP.pgm
//
// The grey value of each pixel is its class id; classes.h names the classes.

#include <cctype>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <openvino/openvino.hpp>

#include "classes.h"

namespace {

struct Picture {
    std::size_t width = 0;
    std::size_t height = 0;
    std::vector<std::uint8_t> rgb;
};

// A number of a PPM's header; comments begin with # and end with the line.
std::size_t read_number(std::istream& stream, const std::string& path) {
    int next = stream.peek();
    while (std::isspace(next) || next == '#') {
        if (next == '#') {
            std::string comment;
            std::getline(stream, comment);
        } else {
            stream.get();
        }
        next = stream.peek();
    }
    std::size_t number = 0;
    if (!std::isdigit(next) || !(stream >> number)) {
        throw std::runtime_error(path + " has a damaged header: a binary PPM begins with P6, its " +
                                 "width, its height and 255");
    }
    return number;
}

Picture read_ppm(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
        throw std::runtime_error(path + " cannot be opened: give a picture as binary PPM (P6)");
    }
    char magic[2] = {};
    if (!stream.read(magic, 2) || magic[0] != 'P' || magic[1] != '6') {
        throw std::runtime_error(path + " is no binary PPM (P6): convert it, such as with " +
                                 "\"magick PICTURE.png -depth 8 PICTURE.ppm\"");
    }
    Picture picture;
    picture.width = read_number(stream, path);
    picture.height = read_number(stream, path);
    const std::size_t most = read_number(stream, path);
    constexpr std::size_t most_pixels = 500'000'000;
    if (most != 255) {
        throw std::runtime_error(path + " has values up to " + std::to_string(most) +
                                 ": 8 bits are needed, values up to 255");
    }
    if (picture.width == 0 || picture.height == 0 ||
        picture.width > most_pixels / picture.height) {
        throw std::runtime_error(path + " is empty or too large: it has " +
                                 std::to_string(picture.width) + "x" +
                                 std::to_string(picture.height) + " pixels");
    }
    stream.get();  // the one white space before the pixels
    picture.rgb.resize(picture.width * picture.height * 3);
    if (!stream.read(reinterpret_cast<char*>(picture.rgb.data()),
                     static_cast<std::streamsize>(picture.rgb.size()))) {
        throw std::runtime_error(path + " is cut short: " +
                                 std::to_string(picture.rgb.size()) + " bytes of pixels should " +
                                 "follow its header, there are " + std::to_string(stream.gcount()));
    }
    return picture;
}

void write_pgm(const std::string& path, const std::uint8_t* pixels, std::size_t width,
               std::size_t height) {
    std::ofstream stream(path, std::ios::binary);
    stream << "P5\n" << width << ' ' << height << "\n255\n";
    stream.write(reinterpret_cast<const char*>(pixels),
                 static_cast<std::streamsize>(width * height));
    if (!stream.flush()) {
        throw std::runtime_error(path + " cannot be written");
    }
}

void run(const std::string& model_path, const std::string& picture_path,
         const std::string& out_path) {
    Picture picture = read_ppm(picture_path);
    if (classes::window_width > 0 &&
        (picture.width > classes::window_width || picture.height > classes::window_height)) {
        throw std::runtime_error("the picture is larger than a window of " +
                                 std::to_string(classes::window_width) + "x" +
                                 std::to_string(classes::window_height) +
                                 ": cut it into windows as portable/tiling.py does");
    }
    if (!classes::input_is_rgb) {
        for (std::size_t place = 0; place < picture.rgb.size(); place += 3) {
            std::swap(picture.rgb[place], picture.rgb[place + 2]);
        }
    }

    ov::Core core;
    auto model = core.read_model(model_path);
    // Left alone OpenVINO computes in 16 bits where the processor can: other classes at the edges.
    auto compiled = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32),
                                       ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY));
    auto request = compiled.create_infer_request();
    request.set_tensor(classes::input_name,
                       ov::Tensor(ov::element::u8, {1, picture.height, picture.width, 3},
                                  picture.rgb.data()));
    request.infer();
    const ov::Tensor label_map = request.get_tensor(classes::label_map_name);
    if (label_map.get_element_type() != ov::element::u8 ||
        label_map.get_shape() != ov::Shape{1, picture.height, picture.width}) {
        throw std::runtime_error("the model's label map is not as large as the picture");
    }
    const auto* pixels = label_map.data<const std::uint8_t>();
    write_pgm(out_path, pixels, picture.width, picture.height);

    std::vector<std::size_t> counts(256, 0);
    for (std::size_t place = 0; place < label_map.get_size(); ++place) {
        ++counts[pixels[place]];
    }
    for (std::size_t id = 0; id < classes::count; ++id) {
        std::cout << id << ' ' << classes::names[id] << ": " << counts[id] << " pixels\n";
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::cerr << "usage: label_map MODEL.onnx PICTURE.ppm LABEL_MAP.pgm\n";
        return 2;
    }
    try {
        run(arguments[1], arguments[2], arguments[3]);
    } catch (const std::exception& error) {
        std::cerr << "label_map: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
